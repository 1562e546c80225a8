"""Alembic revisions of the schema `router`."""
