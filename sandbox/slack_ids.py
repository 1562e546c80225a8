"""How the Slack double names things."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

TEAM_ID = "T0SANDBOX1"
BOT_ID = "B0SANDBOX1"
BOT_USER_ID = "U0SANDBOT1"
APP_ID = "A0SANDBOX1"


def slack_id(prefix: str, name: str) -> str:
    """An id that looks like Slack's and stays the same over restarts."""
    return prefix + base64.b32encode(hashlib.sha256(name.encode()).digest())[:10].decode()


def with_ids(blocks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every block and interactive element an id, as Slack does."""
    named = []
    for number, block in enumerate(blocks):
        named_block = {"block_id": f"b{number}", **block}
        if block.get("type") == "actions":
            named_block["elements"] = [
                {"action_id": f"a{place}", **element} for place, element in enumerate(block["elements"])
            ]
        for name in ("accessory", "element"):
            if name in block and block[name]["type"] != "image":
                named_block[name] = {"action_id": "a0", **block[name]}
        named.append(named_block)
    return named
