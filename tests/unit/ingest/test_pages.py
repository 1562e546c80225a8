import re
from base64 import b64encode
from hashlib import sha256

import pytest
from fastapi import Response

from schemas.scales import SCALES, Metric
from services.ingest import pages
from services.ingest.surveys import Answer, Form, blank_form
from tests.unit.ingest.test_surveys import NOW, REQUEST

TOKEN = "a-token"  # noqa: S105 - the path's last part, not a secret


def html(page: Response) -> str:
    return bytes(page.body).decode()


def shown(metric: Metric = Metric.NPS, form: Form | None = None, *, status: int = 200) -> Response:
    request = REQUEST.model_copy(update={"metric": metric})
    form = form or blank_form(None)
    return pages.survey_page(request, form, token=TOKEN, already_answered=False, status=status)


@pytest.mark.parametrize("metric", Metric)
def test_every_score_is_a_native_radio_inside_one_fieldset(metric: Metric) -> None:
    fieldset = re.search(r"<fieldset.*?</fieldset>", html(shown(metric)), re.DOTALL)
    assert fieldset
    values = [int(value) for value in re.findall(r'type="radio" name="score" value="(\d+)"', fieldset[0])]
    assert values == list(range(SCALES[metric].lowest, SCALES[metric].highest + 1))
    assert "<legend>" in fieldset[0]


def test_nothing_is_chosen_until_the_person_chooses() -> None:
    assert " checked" not in html(shown())
    assert html(shown(form=Form(7, "", {}))).count(" checked") == 1


def test_what_was_typed_is_kept_and_can_do_no_harm() -> None:
    page = html(shown(form=Form(None, "</textarea><script>x</script>", {"score": "Please choose."})))
    assert "&lt;/textarea&gt;&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script" not in page


def test_an_error_is_announced_and_tied_to_its_field() -> None:
    page = html(shown(form=Form(None, "kept", {"score": "Please choose."}), status=422))
    assert 'role="alert"' in page
    assert 'href="#score"' in page
    assert 'id="score-error">Please choose.' in page
    assert re.search(r'<fieldset[^>]*aria-describedby="[^"]*score-error', page)
    assert ">kept</textarea>" in page


@pytest.mark.parametrize(
    "page",
    [
        shown(),
        pages.thanks_page(REQUEST, Answer(9, "", 1, NOW, NOW), token=TOKEN),
        pages.forged_page(),
        pages.closed_page(),
        pages.cancelled_page(),
        pages.not_ready_page(token=TOKEN),
        pages.unavailable_page(),
        pages.too_large_page(),
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
    # Nothing is fetched, nothing is run, no link leads away.
    assert not re.search(r'<script|<link|<img|src=|href="http', html(page))


def test_pages_that_end_have_the_status_that_says_so() -> None:
    assert pages.forged_page().status_code == 404
    assert pages.closed_page().status_code == pages.cancelled_page().status_code == 410
    assert pages.not_ready_page(token=TOKEN).headers["retry-after"] == "5"
    assert pages.unavailable_page().headers["retry-after"] == "30"


@pytest.mark.parametrize(("score", "words"), [(9, "glad"), (7, "work on next"), (0, "sorry")])
def test_thanks_fit_the_answer(score: int, words: str) -> None:
    assert words in html(pages.thanks_page(REQUEST, Answer(score, "", 1, NOW, NOW), token=TOKEN))
