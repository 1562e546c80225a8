"""Comments taken apart where one statement ends and the next begins."""

import re

MAX_CLAUSES = 24
"""A longer comment's last clause holds all the rest."""
_MIN_WORDS = 2
_TURNS = (
    "but|however|although|though|except|yet|whereas|while|"  # English
    "aber|jedoch|allerdings|obwohl|leider|"  # German
    "pero|aunque|sin embargo|"  # Spanish
    "mais|cependant|pourtant|bien que|"  # French
    "mas|porém|embora|"  # Portuguese
    "ma|però|tuttavia|"  # Italian
    "maar|hoewel"  # Dutch
)
_ENDS = r".!?;\n\u2026\u3002\uff01\uff1f\uff1b\u3001\uff0c"
"""The last six: an ellipsis, and what Chinese and Japanese put between statements."""
_END = re.compile(rf"[{_ENDS}]+\s*|\s-{{1,3}}\s|,\s+|\s(?=(?:{_TURNS})\s)", re.IGNORECASE)


def clauses(comment: str) -> list[str]:
    """The comment's statements in their order, none empty; a single word stays with what precedes it."""
    found: list[str] = []
    begin = 0
    for end in _END.finditer(comment):
        if len(found) == MAX_CLAUSES - 1:
            break
        _append(found, comment[begin : end.start()])
        begin = end.end()
    _append(found, comment[begin:])
    return found


def _append(found: list[str], part: str) -> None:
    part = part.strip()
    if not part:
        return
    if found and len(part.split(None, _MIN_WORDS - 1)) < _MIN_WORDS and part.isascii():
        found[-1] = f"{found[-1]}, {part}"
    else:
        found.append(part)
