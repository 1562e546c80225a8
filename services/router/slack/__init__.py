"""Slack beyond the delivery of a message: the card, what its buttons do, the home tab."""
