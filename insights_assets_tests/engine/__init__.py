"""What the engine gives: sessions, and how much of a frame may come onto the driver."""
