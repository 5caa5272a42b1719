"""Word lists of the canonical stage, written for this project. Only data lives here; the modules that use a list read it."""
