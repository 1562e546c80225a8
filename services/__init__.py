"""The deployables; none imports another."""
