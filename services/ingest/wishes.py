"""What somebody may tick after answering, and the consent it becomes, with the words they saw. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from schemas.profiles import Consent, ProfileChanged
from schemas.scales import Group
from services.ingest.languages import translatable

CONTACT = "contact"
FAVOURS: dict[str, str] = {
    "review": translatable("I would write a public review."),
    "referral": translatable("I know somebody who needs this, and would introduce you."),
    "case_study": translatable("You may write a case study about us."),
    "quote": translatable("You may quote what I wrote, with my name."),
    "reference": translatable("I would tell somebody who is still deciding what it is like."),
    "product_talk": translatable("I would talk to your product team."),
    "advisory_board": translatable("I would join your customer advisory board."),
    "community": translatable("I would like to join your customer community."),
    "swag": translatable("I would wear or use something with your logo on it."),
}
"""What promoters are asked, by the consent's topic."""
_CONTACT_WORDS = translatable("You may contact me about my answer.")
_HAPPY = frozenset({Group.PROMOTER, Group.POSITIVE})


def offers(group: Group, favours: Iterable[str]) -> dict[str, str]:
    """Topic and untranslated wording of what somebody of a group may tick; `favours` only the happy ones."""
    asked = {favour: FAVOURS[favour] for favour in favours} if group in _HAPPY else {}
    return {**asked, CONTACT: _CONTACT_WORDS}


def profile_with_wishes(
    known: ProfileChanged | None,
    person_key: str,
    *,
    offered: Mapping[str, str],
    ticked: Iterable[str],
    now: datetime,
) -> ProfileChanged | None:
    """The person's state after they sent the ticks; equal to `known` when they change nothing.

    `offered` are topics with the wording that the person read. An offered topic that is not ticked is a
    consent taken back; one that was ticked before keeps its wording and time.
    """
    state = known or ProfileChanged(person_key=person_key, version=1, changed_at=now)
    wanted = set(ticked) & offered.keys()
    kept = tuple(
        consent for consent in state.consents if consent.topic not in offered or consent.topic in wanted
    )
    has = {consent.topic for consent in kept}
    added = tuple(
        Consent(topic=topic, wording=wording, given_at=now)
        for topic, wording in offered.items()
        if topic in wanted - has
    )
    if (*kept, *added) == state.consents:
        return known
    version = known.version + 1 if known else 1
    return state.model_copy(update={"consents": (*kept, *added), "version": version, "changed_at": now})
