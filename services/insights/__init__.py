"""What customers feel, what was done about it, and what it changed."""
