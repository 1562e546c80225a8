"""What happened to a hundred more customers: the purchases a survey program waits for, and their disorder."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from sandbox.sample.customers import Body, Person, people


class Plot(StrEnum):
    """What sets one customer's history apart."""

    BOUGHT = "bought"
    BOUGHT_TWICE = "bought twice within a day"
    OPTED_OUT = "bought, wants no surveys"
    CANCELLED = "bought and cancelled"
    ANSWERED_ELSEWHERE = "bought, and answered another survey lately"
    NO_ADDRESS = "bought, has no e-mail address"
    ONLY_TRIED = "never bought"


CAST: dict[Plot, int] = {
    Plot.BOUGHT: 60,
    Plot.BOUGHT_TWICE: 10,
    Plot.OPTED_OUT: 10,
    Plot.CANCELLED: 5,
    Plot.ANSWERED_ELSEWHERE: 5,
    Plot.NO_ADDRESS: 4,
    Plot.ONLY_TRIED: 6,
}
"""How many customers live through each plot."""
ASKED_ONCE = frozenset({Plot.BOUGHT, Plot.BOUGHT_TWICE})
"""Plots that must end in exactly one survey a month after the purchase; the others in none."""


@dataclass
class History:
    """One customer's life so far."""

    person: Person
    plot: Plot
    profile: Body
    """Body of `PUT /v1/profiles/{id}`."""
    events: list[Body] = field(default_factory=list)
    """Bodies of `POST /v1/lifecycle-events`."""
    answers: list[Body] = field(default_factory=list)
    """Bodies of `POST /v1/responses`: what they answered elsewhere."""


def histories(now: datetime) -> list[History]:
    """A hundred customers; those who bought did so 2 to 28 days before `now` (UTC)."""
    plots = [plot for plot, count in CAST.items() for _ in range(count)]
    silent = frozenset(number for number, plot in enumerate(plots) if plot is Plot.NO_ADDRESS)
    cast = people(len(plots), prefix="buyer", without_email=silent)
    return [_history(person, plot, now) for person, plot in zip(cast, plots, strict=True)]


def _history(person: Person, plot: Plot, now: datetime) -> History:
    chance = Random(person.customer_id)  # noqa: S311 - a repeatable sample
    bought = now - timedelta(days=chance.randrange(2, 28), minutes=chance.randrange(1440))
    history = History(person, plot, profile=dict(person.profile))
    history.events.append(_event(person, "trial_started", bought - timedelta(days=chance.randrange(10, 20))))
    if plot is Plot.ONLY_TRIED:
        return history
    purchase = _event(person, "purchased", bought)
    history.events.append(purchase)
    if plot is Plot.BOUGHT_TWICE:
        again = purchase["source_id"]
        history.events.append(
            _event(person, "purchased", bought + timedelta(days=1)) | {"source_id": f"{again}-2"}
        )
    elif plot is Plot.OPTED_OUT:
        history.profile["opt_outs"] = [{"since": _iso(bought)}]
    elif plot is Plot.CANCELLED:
        cancelled_at = bought + timedelta(hours=5)
        history.events.append(purchase | {"retracted": True, "updated_at": _iso(cancelled_at)})
    elif plot is Plot.ANSWERED_ELSEWHERE:
        history.answers.append(_answered_elsewhere(person, now - timedelta(days=2)))
    return history


def _event(person: Person, moment: str, when: datetime) -> Body:
    return {
        "source_id": f"{person.customer_id}-{moment}",
        "moment": moment,
        "occurred_at": _iso(when),
        "customer_id": person.customer_id,
        "account_id": person.account_id,
    }


def _answered_elsewhere(person: Person, when: datetime) -> Body:
    return {
        "source_id": f"elsewhere-{person.customer_id}",
        "metric": "nps",
        "score": 8,
        "responded_at": _iso(when),
        "respondent": {"customer_id": person.customer_id},
        "account_id": person.account_id,
        "effects": "record",
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
