import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from runtime.yaml_file import load_yaml
from sandbox.demo_tally import Line, PutIn, differences, expected
from sandbox.sample.answers import Answers, answers, functions_by_comment
from sandbox.sample.customers import Body, accounts
from sandbox.sample.histories import CAST, Plot, histories
from sandbox.sample.past import past, releases
from schemas.event import Effects
from services.classifier.lookup import Lookup
from services.classifier.taxonomy import Themes
from services.ingest.inputs import LifecycleEventInput, ResponseInput

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_sample_is_as_large_and_varied_as_the_demo_promises() -> None:
    sample = answers(NOW)
    assert len(sample.first) >= 300
    assert {body["metric"] for body in sample.first} == {"nps", "csat", "ces"}
    assert {body["language"] for body in sample.first} >= {"en", "de", "es", "fr"}
    nps = {body["score"] for body in sample.first if body["metric"] == "nps"}
    assert nps == set(range(11))
    assert sum("comment" not in body for body in sample.first) > 50
    assert len(histories(NOW)) == 100 == sum(CAST.values())


def test_the_year_before_only_is_on_record() -> None:
    bodies = [ResponseInput.model_validate_json(json.dumps(body)) for body in past(NOW)]
    assert 300 < len(bodies) <= 1_000, "one call's worth"
    assert {body.effects for body in bodies} == {Effects.RECORD}
    days = [(NOW - body.responded_at).days for body in bodies if body.responded_at]
    assert min(days) > 2
    assert max(days) < 366
    assert [LifecycleEventInput.model_validate_json(json.dumps(release)) for release in releases(NOW)]


def test_the_sample_is_the_same_in_every_run() -> None:
    assert answers(NOW) == answers(NOW)
    assert histories(NOW) == histories(NOW)


def _put_in(sample: Answers, days_later: int = 0, survey_answers: Sequence[Body] = ()) -> PutIn:
    companies = accounts(NOW.date())
    return PutIn(sample, histories(NOW), list(survey_answers), companies, NOW.date(), days_later)


def test_a_repeated_answer_is_expected_once_and_a_silent_one_nowhere() -> None:
    sample = answers(NOW)
    tally = expected(_put_in(sample))
    groups = (Line.PROMOTER, Line.PASSIVE, Line.DETRACTOR, Line.POSITIVE, Line.NEUTRAL, Line.NEGATIVE)
    assert tally[Line.RECEIVED] == len(sample.first) + CAST[Plot.ANSWERED_ELSEWHERE]
    assert sum(tally[line] for line in groups) == tally[Line.RECEIVED]
    assert tally[Line.RECORDS] == tally[Line.HEALTH] == len(sample.first)
    assert tally[Line.CASES] + tally[Line.CASE_COMMENTS] + tally[Line.MARKETING] == len(sample.first)
    assert tally[Line.THANKS] == sum(
        "email" in body["respondent"] and "comment" not in body  # type: ignore[operator]  # a body's values are of any JSON type
        for body in sample.first
    )


def test_a_comment_that_comes_later_is_read_by_a_person_after_the_automatic_answer() -> None:
    sample = answers(NOW)
    before, after = (expected(_put_in(one)) for one in (Answers(sample.first, []), sample))
    assert before[Line.THANKS] == after[Line.THANKS]
    assert before[Line.KUDOS] < after[Line.KUDOS]


def test_the_steps_of_a_cadence_come_with_the_days() -> None:
    counts = [expected(_put_in(answers(NOW), days))[Line.MARKETING] for days in (0, 4, 12, 31)]
    assert counts == sorted(set(counts))


def test_a_survey_answer_counts_like_any_other() -> None:
    company = next(iter(accounts(NOW.date())))
    one: Body = {"metric": "nps", "score": 2, "account_id": company, "respondent": {"email": "known"}}
    without = expected(_put_in(answers(NOW)))
    found = expected(_put_in(answers(NOW), survey_answers=[one]))
    lines = [
        *(Line.RECEIVED, Line.DETRACTOR, Line.SUCCESS_CARDS, Line.CASES, Line.RECORDS, Line.HEALTH),
        Line.THANKS,
    ]
    differing = {one.line: one.found - one.expected for one in differences(without, found)}
    assert differing.pop(Line.TASKS, 1) == 1
    assert differing == dict.fromkeys(lines, 1)


def test_the_samples_comments_concern_whom_the_shipped_themes_say() -> None:
    lookup = Lookup(load_yaml(Path("deploy/config/themes.yaml"), Themes))
    said = {(str(body["comment"]), str(body["language"])) for body in answers(NOW).sent if "comment" in body}
    functions = functions_by_comment()
    for comment, language in said:
        found = {claim.theme.function.value for claim in lookup.claims(comment, language)}
        assert found == functions[comment], comment
