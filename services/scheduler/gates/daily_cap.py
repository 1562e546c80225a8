"""As many were asked today as may be in a day."""

from services.scheduler.gates import Case, Held
from services.scheduler.gates.quota import next_day

PRECEDENCE = 86


def check(case: Case) -> Held | None:
    """Shut until the next day (UTC) once the program's cap or that of all programs is reached."""
    around = case.facts.around
    if around.day != case.now.date():
        return None
    for cap, asked in (
        (case.program.daily_cap, around.asked_today_by_program),
        (case.facts.terms.daily_cap, around.asked_today),
    ):
        if cap is not None and asked >= cap:
            return Held({"daily_cap": cap, "asked_today": asked}, next_day(case.now))
    return None
