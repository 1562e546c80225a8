"""What is wrong with a file whose every field is right: programs that cannot do what they say."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from runtime.yaml_file import Location
from services.scheduler.fatigue import Fatigue
from services.scheduler.program import ONCE, Program


def contradictions(programs: Sequence[Program], fatigue: Fatigue) -> Iterator[tuple[Location, str]]:
    """Where in the file, and what."""
    for index, program in enumerate(programs):
        for field, what in _of(program, fatigue.least_gap(program.audience)):
            yield ("programs", index, field), what


def _of(program: Program, gap: timedelta) -> Iterable[tuple[str, str]]:
    trigger, once = program.trigger, program.gap == ONCE
    interval, most = trigger.least_interval, trigger.most_ask_within
    if interval is not None and not once and interval < gap:
        yield (
            "trigger",
            (
                f"asks every {interval.days} days, and nobody of the audience may be asked more often than "
                f"every {gap.days}: "
                "raise the interval, or lower gap_days of fatigue or of a cohort"
            ),
        )
    latest = program.reach
    if trigger.KEY == "follow_up" and not once and latest < gap:
        yield (
            "trigger",
            (
                f"whoever is followed up has just answered: not to be asked for {gap.days} days, and this "
                f"gives up after {latest.days}: expected `gap: once`, a longer delay_days or ask_within_days"
            ),
        )
    if most is not None and timedelta(days=program.ask_within_days + program.spread_days) > most:
        yield "ask_within_days", f"asks after the event itself: expected at most {most.days} with spread_days"
    if interval is not None and timedelta(days=program.ask_within_days) > interval:
        yield "ask_within_days", f"still asks when the next turn has come: expected at most {interval.days}"
    if program.fallback_after_days is not None and len(program.channels) == 1:
        yield "fallback_after_days", "there is no second channel to fall back to"
    if program.reminders and program.reminders.after_days[-1] >= program.answer_within_days:
        yield "reminders", f"reminds of a survey that is closed after {program.answer_within_days} days"
