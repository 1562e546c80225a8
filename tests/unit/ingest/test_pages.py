import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi import Response

from schemas.scales import SCALES, Group, Metric
from services.ingest.brand import Brand
from services.ingest.languages import Languages
from services.ingest.pages import Site
from services.ingest.surveys import Answer, Form, Mistake
from services.ingest.wishes import offers
from tests.unit.ingest.test_surveys import NOW, REQUEST

TOKEN = "a-token"  # noqa: S105 - the path's last part, not a secret
BRAND = Brand(
    name="Acme",
    colour="#3d3bb3",
    privacy_url="https://acme.example/privacy",
    help_url="https://acme.example/help",
)
SITE = Site(BRAND, Languages(), pictures=Path())
PAGES = SITE.pages("en")
FOLLOW_UPS = {
    metric: dict(zip(groups, ("What went wrong?", "What is missing?", "What is best?"), strict=True))
    for metric, groups in (
        (Metric.NPS, (Group.DETRACTOR, Group.PASSIVE, Group.PROMOTER)),
        (Metric.CSAT, (Group.NEGATIVE, Group.NEUTRAL, Group.POSITIVE)),
        (Metric.CES, (Group.NEGATIVE, Group.NEUTRAL, Group.POSITIVE)),
    )
}


def html(page: Response) -> str:
    return bytes(page.body).decode()


def shown(
    metric: Metric = Metric.NPS,
    form: Form | None = None,
    *,
    status: int = 200,
    further_question: str | None = None,
    language: str = "en",
) -> Response:
    return SITE.pages(language).survey(
        REQUEST.model_copy(update={"metric": metric}),
        form or Form(None),
        token=TOKEN,
        answer=None,
        follow_ups=FOLLOW_UPS[metric],
        further_question=further_question,
        status=status,
    )


def thanks(score: int, group: Group = Group.PROMOTER, ticked: tuple[str, ...] = ()) -> Response:
    offered = offers(group, ("review", "swag"))
    return PAGES.thanks(REQUEST, Answer(score, "", 1, NOW, NOW), token=TOKEN, offered=offered, ticked=ticked)


@pytest.mark.parametrize("metric", Metric)
def test_every_score_is_a_native_radio_inside_one_fieldset(metric: Metric) -> None:
    fieldset = re.search(r"<fieldset.*?</fieldset>", html(shown(metric)), re.DOTALL)
    assert fieldset
    values = [int(value) for value in re.findall(r'type="radio" name="score" value="(\d+)"', fieldset[0])]
    assert values == list(range(SCALES[metric].lowest, SCALES[metric].highest + 1))
    assert "<legend>" in fieldset[0]


def test_nothing_is_chosen_until_the_person_chooses() -> None:
    assert " checked" not in html(shown())
    assert html(shown(form=Form(7))).count(" checked") == 1


def test_the_score_comes_first_and_alone() -> None:
    page = html(shown(further_question="And then?"))
    assert '<button type="submit" name="part" value="score">' in page
    assert "<textarea" not in page


@pytest.mark.parametrize("metric", Metric)
def test_each_group_has_its_question_and_the_chosen_one_shows_without_a_script(metric: Metric) -> None:
    page = html(shown(metric, Form(SCALES[metric].highest), further_question="And then?"))
    for group, question in FOLLOW_UPS[metric].items():
        assert re.search(rf'class="if-{group}[^>]*>{re.escape(question)}<', page)
        assert page.count(f'class="of-{group}"') > 0
    assert re.findall(r'class="if-\w+ chosen">([^<]*)<', page) == ["What is best?"]
    assert page.count("<textarea") == 2


def test_what_was_typed_is_kept_and_can_do_no_harm() -> None:
    harmful = Form(3, "</textarea><script>x</script>", mistakes={"comment": Mistake.TOO_LONG})
    page = html(shown(form=harmful))
    assert "&lt;/textarea&gt;&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script" not in page


def test_a_mistake_is_announced_and_tied_to_its_field() -> None:
    mistakes = {"score": Mistake.NO_SCORE, "comment": Mistake.TOO_LONG}
    page = html(shown(form=Form(None, "kept", mistakes=mistakes), status=422))
    assert 'role="alert"' in page
    assert 'href="#score"' in page
    assert 'id="score-mistake">Please choose a number from 0 to 10.' in page
    assert re.search(r'<fieldset[^>]*aria-describedby="[^"]*score-mistake', page)
    assert ">kept</textarea>" in page, "bad input loses no good input"
    assert 'chosen">What is missing?<' in page
    long = html(shown(form=Form(3, "kept", mistakes={"comment": Mistake.TOO_LONG}), status=422))
    assert ">kept</textarea>" in long
    assert 'aria-describedby="comment-mistake"' in long
    assert "to 5,000 characters" in long


@pytest.mark.parametrize(
    "page",
    [
        shown(),
        shown(form=Form(3)),
        thanks(9),
        PAGES.forged(),
        PAGES.closed(),
        PAGES.cancelled(),
        PAGES.not_ready(token=TOKEN),
        PAGES.unavailable(),
        PAGES.too_large(),
        PAGES.unsubscribe(token=TOKEN),
        PAGES.unsubscribed(program_only=False),
    ],
    ids=lambda page: str(page.status_code),
)
def test_every_page_keeps_its_address_to_itself_and_runs_nothing(page: Response) -> None:
    style = re.search(r"<style>(.*)</style>", html(page), re.DOTALL)
    assert style
    allowed = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"style-src 'sha256-{allowed}'" in policy
    assert "default-src 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    # Nothing is fetched, nothing is run; links that lead away say nothing of where they were.
    assert not re.search(r'<script|<link|style="|src="http', html(page))
    away = re.findall(r'<a [^>]*href="http[^>]*>', html(page))
    assert away
    assert all('rel="noreferrer"' in link for link in away)


def test_a_logo_travels_within_the_page(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    site = Site(BRAND.model_copy(update={"logo": "logo.svg"}), Languages(), pictures=tmp_path)
    page = site.pages("en").closed()
    assert '<img src="data:image/svg+xml;base64,' in html(page)
    assert "img-src data:;" in page.headers["content-security-policy"]


def test_pages_that_end_have_the_status_that_says_so() -> None:
    assert PAGES.forged().status_code == 404
    assert PAGES.closed().status_code == PAGES.cancelled().status_code == 410
    assert PAGES.not_ready(token=TOKEN).headers["retry-after"] == "5"
    assert PAGES.unavailable().headers["retry-after"] == "30"


@pytest.mark.parametrize(("score", "words"), [(9, "glad"), (7, "work on next"), (0, "sorry")])
def test_thanks_fit_the_answer(score: int, words: str) -> None:
    assert words in html(thanks(score))


def test_the_unhappy_get_help_and_the_happy_may_offer_some() -> None:
    unhappy, happy = html(thanks(2, Group.DETRACTOR)), html(thanks(9, ticked=("swag",)))
    assert "https://acme.example/help" in unhappy
    assert "https://acme.example/help" not in happy
    assert re.findall(r'name="wish" value="(\w+)"', unhappy) == ["contact"]
    assert re.findall(r'name="wish" value="(\w+)"', happy) == ["review", "swag", "contact"]
    assert re.findall(r'value="(\w+)" checked', happy) == ["swag"]


@pytest.mark.parametrize(
    ("wanted", "code", "direction", "words"),
    [
        ("de-AT", "de", "ltr", "Weiter"),
        ("es", "es", "ltr", "Siguiente"),
        ("ar", "ar", "rtl", "التالي"),
        ("sw, ar;q=0.4, de;q=0.9", "de", "ltr", "Weiter"),
        ("de;q=never, ar;q=0.1", "ar", "rtl", "التالي"),
        ("xx", "en", "ltr", "Next"),
        ("", "en", "ltr", "Next"),
    ],
)
def test_a_page_speaks_the_best_language_there_is(wanted: str, code: str, direction: str, words: str) -> None:
    page = html(shown(language=wanted))
    assert f'<html lang="{code}" dir="{direction}">' in page
    assert words in page
