"""Says of every response which group it belongs to, what it is about and whom it concerns."""
