"""Decides who is asked which survey when, and never too often; emits survey requests."""
