"""What several actions of one answer show alike is made once."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, TypeVarTuple

from services.router.facts import Facts

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def once_an_answer(make: Callable[[Facts, *Ts], T]) -> Callable[[Facts, *Ts], T]:
    """`make`, which gives again what it made of these very facts, until it is asked about others.

    What it makes is shared: nobody may change it. Facts are told apart by identity, as to compare them takes
    as long as what is made of them; what else `make` is given is compared.
    """
    latest: tuple[Facts | None, dict[object, T]] = (None, {})

    @wraps(make)
    def made(facts: Facts, *more: *Ts) -> T:
        nonlocal latest
        about, known = latest
        if about is not facts:
            known = {}
            latest = facts, known  # one assignment: several threads may ask
        if more not in known:
            known[more] = make(facts, *more)
        return known[more]

    return made
