"""What is rising, why, and what it is worth a day."""
