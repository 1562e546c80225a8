"""What turns statements into vectors that lie close where the statements mean the same.

Each is one file; nothing outside this package knows which there are.
"""
