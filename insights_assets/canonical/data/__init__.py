"""Word lists of the canonical stage, written for this project. Only data lives here; who uses a list reads it."""
