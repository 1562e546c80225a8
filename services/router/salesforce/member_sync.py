"""What became of the campaign members we made, as people noted it in Salesforce. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.router.salesforce.case_sync import Editor, Seen

_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_LONGEST_STATUS = 40


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A CampaignMember as a poll read it. `effect_id` as it stands there, where people may write too."""

    member_id: str
    effect_id: str
    status: str
    stamp: datetime
    editor: Editor

    @property
    def effect(self) -> UUID | None:
        """The delivery that made it."""
        try:
            return UUID(self.effect_id)
        except ValueError:
            return None

    @property
    def seen(self) -> Seen:
        """What is remembered of this reading."""
        return Seen(self.stamp, is_closed=False, owner_id="", status=self.status)


def reported(row: MemberRow, seen: Seen | None) -> str | None:
    """The status that somebody has given the member since it was last seen, e.g. `responded`; None: nobody.

    What a member is made with says nothing.
    """
    if (seen is None and row.editor.is_us) or (seen is not None and seen.status == row.status):
        return None
    return _NO_LETTERS.sub("_", row.status.lower()).strip("_")[:_LONGEST_STATUS] or None
