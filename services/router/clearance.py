"""Whether a claimed effect may leave now. Pure: asked again at every claim, on the latest facts."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.router.attempt import Outside, Status


class DeliveryMode(StrEnum):
    """How far deliveries go."""

    OBSERVE = "observe"
    """Everything is planned and shown, nothing leaves."""
    PILOT = "pilot"
    """Only what reaches an address on the allow-list leaves."""
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows. `allowed` holds lower-case addresses: channels, e-mail addresses."""

    mode: DeliveryMode
    allowed: frozenset[str] = field(default_factory=frozenset)

    def admits(self, audience: tuple[str, ...]) -> bool:
        """Whether one of the addresses is on the allow-list."""
        return any(address.lower() in self.allowed for address in audience)


@dataclass(frozen=True, slots=True)
class Parenthood:
    """What is known of the effect whose object another's lives in; `status` None: there is no such effect."""

    is_wanted: bool
    outside: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known at the time of the claim of the person and the request behind an effect.

    `program` is set for what an opt-out concerns: a survey mail, and what customers are told beside answers,
    there the kind of it; `opt_outs` holds the programs refused, `*` for all. `ends_on_opt_out`: its rule says
    that it is not for people who refused all.
    """

    is_wanted: bool
    is_erased: bool
    program: str | None
    opt_outs: frozenset[str]
    expires_at: datetime | None
    parent: Parenthood | None = None
    ends_on_opt_out: bool = False


def refusal(
    standing: Standing, policy: Policy, audience: tuple[str, ...], disabled: str | None, now: datetime
) -> str | None:
    """Why an effect is withheld, or None. `audience` matters to a pilot only, `now` is business time."""
    if policy.mode is DeliveryMode.OBSERVE:
        return "observe mode"
    if disabled is not None:
        return f"destination disabled: {disabled}"
    if policy.mode is DeliveryMode.PILOT and not policy.admits(audience):
        return "not on the pilot's allow-list"
    if not standing.is_wanted:
        return None
    return _refused_for_the_person(standing, now) or _refused_for_the_parent(standing.parent)


def waits(standing: Standing) -> bool:
    """Whether an effect that is not refused has to wait until its parent's object exists."""
    parent = standing.parent
    return standing.is_wanted and parent is not None and parent.outside != Outside.PRESENT


def _refused_for_the_person(standing: Standing, now: datetime) -> str | None:
    if standing.is_erased:
        return "person erased"
    if standing.program is not None and standing.opt_outs & {"*", standing.program}:
        return "opted out"
    # Whoever refused before they answered has not refused anew: nothing was there to be called off.
    if standing.ends_on_opt_out and "*" in standing.opt_outs:
        return "opted out"
    if standing.expires_at is not None and now >= standing.expires_at:
        return "expired"
    return None


def _refused_for_the_parent(parent: Parenthood | None) -> str | None:
    if parent is None:
        return None
    if parent.status is None:
        return "parent missing"
    if not parent.is_wanted or parent.outside == Outside.RETRACTED:
        return "parent retracted"
    has_ended = parent.status in {Status.WITHHELD, Status.FAILED}
    return f"parent {parent.status}" if has_ended and parent.outside != Outside.PRESENT else None
