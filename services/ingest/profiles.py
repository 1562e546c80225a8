"""Profiles and accounts: what a caller sends, laid over what is known. Pure."""

from collections.abc import Collection
from datetime import datetime

from schemas.accounts import AccountChanged
from schemas.profiles import Consent, OptOut, ProfileChanged
from services.ingest.field_owners import MaySet, laid_over
from services.ingest.inputs import AccountInput, ProfileInput


def profile_after(
    body: ProfileInput,
    *,
    key: str,
    customer_id: str | None,
    known: ProfileChanged | None,
    aliases: Collection[str],
    now: datetime,
    allowed: MaySet | None = None,
) -> ProfileChanged:
    """The state of the person of this key after the call, equal to `known` when the call changes nothing.

    The body replaces what was known as far as it is allowed to, except that consents, opt-outs and aliases
    are only ever added: an import that does not mention an opt-out must not end it.
    """
    said = body.model_dump(exclude={"consents", "opt_outs", "same_as", "customer_id"})
    if known is not None and allowed is not None:
        said = laid_over(known.model_dump(include=set(said)), said, allowed)
    consents = tuple(Consent(**consent.model_dump()) for consent in body.consents)
    opt_outs = tuple(OptOut(**opt_out.model_dump()) for opt_out in body.opt_outs)
    every_alias = tuple(sorted({*aliases, *(known.aliases if known else ())}))
    stated = ProfileChanged(
        **said,
        person_key=key,
        customer_id=customer_id or (known.customer_id if known else None),
        version=known.version if known else 1,
        changed_at=known.changed_at if known else now,
        aliases=every_alias,
        merged_from=every_alias,
        consents=_added(known.consents if known else (), consents),
        opt_outs=_added_opt_outs(known.opt_outs if known else (), opt_outs),
    )
    if known is None or stated == known:
        return stated
    return stated.model_copy(update={"version": known.version + 1, "changed_at": now})


def folded(
    winner: ProfileChanged | None, loser: ProfileChanged, *, key: str, now: datetime
) -> ProfileChanged:
    """The winner's state with what was known of the loser: nothing either refused or agreed to is lost."""
    state = winner or ProfileChanged(person_key=key, version=1, changed_at=now)
    aliases = tuple(sorted({*state.aliases, *loser.aliases, loser.person_key} - {key}))
    unknown = {
        name: getattr(loser, name)
        for name in ProfileChanged.model_fields.keys() - _KEPT_APART
        if not getattr(state, name)
    }
    return state.model_copy(
        update={
            **unknown,
            "aliases": aliases,
            "merged_from": aliases,
            "consents": _added(state.consents, loser.consents),
            "opt_outs": _added_opt_outs(state.opt_outs, loser.opt_outs),
            "internal": state.internal or loser.internal,
            "version": state.version + 1 if winner else 1,
            "changed_at": now,
        }
    )


_KEPT_APART = frozenset({"person_key", "version", "changed_at", "aliases", "merged_from", "merged_into"})


def profile_without_surveys(
    known: ProfileChanged | None,
    person_key: str,
    now: datetime,
    *,
    program: str | None = None,
    reason: str = "unsubscribed",
) -> ProfileChanged:
    """The person's state once they get no survey of a program, or none at all; equal to `known` when that is
    so already.
    """
    state = known or ProfileChanged(person_key=person_key, version=1, changed_at=now)
    if any(opt_out.program in {None, program} for opt_out in state.opt_outs):
        return state
    opt_out = OptOut(program=program, reason=reason, since=now)
    version = known.version + 1 if known else 1
    return state.model_copy(
        update={"opt_outs": (*state.opt_outs, opt_out), "version": version, "changed_at": now}
    )


def account_after(
    body: AccountInput,
    *,
    account_id: str,
    known: AccountChanged | None,
    now: datetime,
    allowed: MaySet | None = None,
) -> AccountChanged:
    """The account's full state after the call, equal to `known` when the call changes nothing."""
    said = body.model_dump(exclude={"account_id"})
    if known is not None and allowed is not None:
        said = laid_over(known.model_dump(include=set(said)), said, allowed)
    stated = AccountChanged(
        **said,
        account_id=account_id,
        version=known.version if known else 1,
        changed_at=known.changed_at if known else now,
    )
    if known is None or stated == known:
        return stated
    return stated.model_copy(update={"version": known.version + 1, "changed_at": now})


def _added(known: tuple[Consent, ...], given: tuple[Consent, ...]) -> tuple[Consent, ...]:
    return known + tuple(consent for consent in dict.fromkeys(given) if consent not in known)


def _added_opt_outs(known: tuple[OptOut, ...], given: tuple[OptOut, ...]) -> tuple[OptOut, ...]:
    # One a program: repeated imports say the same thing with another time.
    by_program = {opt_out.program: opt_out for opt_out in reversed(known + given)}
    return known + tuple(
        opt_out for opt_out in by_program.values() if opt_out.program not in {out.program for out in known}
    )
