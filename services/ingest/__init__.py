"""Takes answers, lifecycle events, profiles and accounts in, and serves the hosted survey."""
