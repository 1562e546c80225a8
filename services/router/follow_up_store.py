"""The SQL of follow-ups."""

from collections.abc import Mapping
from typing import Any

import psycopg
from pydantic import TypeAdapter

from services.router.follow_up import FollowUp

Connection = psycopg.Connection[Any]

_FOLLOW_UP = TypeAdapter(FollowUp)


def from_row(row: Mapping[str, Any]) -> FollowUp:
    """A follow-up from its row, also from one that travelled as JSON."""
    targets = {name: row[name] for name in ("first_contact_due_at", "resolve_due_at")}
    return _FOLLOW_UP.validate_python({**row, "id": row["follow_up_id"], "targets": targets})
