import re
from pathlib import Path

import pytest

from runtime.yaml_file import ConfigError
from schemas.profiles import ProfileChanged
from schemas.scales import Group, Metric
from services.ingest.brand import LOGO_BYTES, contrast
from services.ingest.survey_file import SurveyFile, load_survey_file
from tests.unit.ingest.test_surveys import NOW, REQUEST

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "deploy" / "config" / "survey.yaml"
FILE = SurveyFile.model_validate(
    {
        "brand": {"name": "Acme"},
        "follow_ups": [
            {"groups": ["detractor"], "cohorts": ["annual"], "ask": {"en": "Before renewing?"}},
            {
                "groups": ["detractor"],
                "programs": ["relationship"],
                "ask": {"en": "What first?", "ar": "ما؟"},
            },
            {"segments": ["enterprise"], "ask": {"en": "As a large customer?"}},
        ],
        "further_questions": [{"programs": ["relationship"], "ask": {"en": "And then?"}}],
    }
)


def person(**known: str) -> ProfileChanged:
    return ProfileChanged.model_validate({"person_key": "p-1", "version": 1, "changed_at": NOW} | known)


@pytest.mark.parametrize(
    ("profile", "detractor", "promoter"),
    [
        (None, "What first?", "Why?"),
        (person(cohort="quarterly"), "What first?", "Why?"),
        (person(cohort="annual"), "Before renewing?", "Why?"),
        (person(segment="enterprise"), "What first?", "As a large customer?"),
    ],
)
def test_the_first_question_that_fits_is_asked(
    profile: ProfileChanged | None, detractor: str, promoter: str
) -> None:
    questions = FILE.follow_up_questions(REQUEST, profile)
    assert list(questions) == [Group.DETRACTOR, Group.PASSIVE, Group.PROMOTER]
    assert (questions[Group.DETRACTOR], questions[Group.PROMOTER]) == (detractor, promoter)


def test_a_question_is_asked_in_the_survey_s_language_or_not_at_all() -> None:
    arabic = REQUEST.model_copy(update={"language": "ar-EG"})
    assert FILE.follow_up_questions(arabic, person(cohort="annual"))[Group.DETRACTOR] == "ما؟"
    assert FILE.further_question(arabic, None) is None
    assert FILE.further_question(REQUEST, None) == "And then?"


def test_groups_are_those_of_the_metric() -> None:
    effort = REQUEST.model_copy(update={"metric": Metric.CES})
    assert list(FILE.follow_up_questions(effort, None)) == [Group.NEGATIVE, Group.NEUTRAL, Group.POSITIVE]


def test_the_file_of_the_documentation_can_be_used(tmp_path: Path) -> None:
    [shown] = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "surveys.md").read_text(), re.DOTALL)
    file = tmp_path / "survey.yaml"
    file.write_text(shown)
    asked = load_survey_file(file).follow_up_questions(REQUEST, person())
    assert asked[Group.PROMOTER] == "What do you like best?"


def test_the_shipped_file_can_be_used() -> None:
    file = load_survey_file(SHIPPED)
    assert file.brand.logo
    for language in ("en", "de", "es", "ar"):
        request = REQUEST.model_copy(update={"language": language, "program": "new_customer_nps"})
        questions = file.follow_up_questions(request, person(cohort="annual"))
        assert len(set(questions.values())) == 3
        assert file.further_question(request, None)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("brand:\n  name: Acme\n  colour: '#ffcc00'", 3, "contrast of 1.5, at least 4.5 expected"),
        ("brand:\n  name: Acme\n  colour: red", 3, "brand.colour"),
        ("brand:\n  name: Acme\n  logo: none.svg", 3, "cannot be read"),
        ("brand:\n  name: Acme\n  logo: large.png", 3, "at most 65,536 expected"),
        ("brand:\n  name: Acme\n  logo: ../logo.svg", 3, "brand.logo"),
        ("brand: {name: Acme}\nfavours:\n- review\n- kidney", 4, "kidney is none of review, "),
        ("brand: {name: Acme}\nfollow_ups:\n- groups: [fans]\n  ask: {en: Why}", 3, "groups"),
        ("brand: {name: Acme}\nfollow_ups:\n- groups: [passive]", 3, "follow_ups.0.ask: is missing"),
        ("follow_ups: []", 1, "brand: is missing"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    (tmp_path / "large.png").write_bytes(b"x" * (LOGO_BYTES + 1))
    path = tmp_path / "survey.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_survey_file(path)
    (complaint,) = refused.value.complaints
    assert complaint.startswith(f"{path}:{line}: ")
    assert words in complaint


def test_a_colour_that_is_refused_comes_with_one_that_is_not(tmp_path: Path) -> None:
    path = tmp_path / "survey.yaml"
    path.write_text("brand: {name: Acme, colour: '#ff7700'}")
    with pytest.raises(ConfigError) as refused:
        load_survey_file(path)
    path.write_text(f"brand: {{name: Acme, colour: '{str(refused.value).rpartition(' ')[2]}'}}")
    assert load_survey_file(path)


def test_contrast_is_as_wcag_defines_it() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 255, 255), (255, 255, 255)) == 1
    # The grey that is commonly named as the lightest one readable on white.
    assert contrast((0x76, 0x76, 0x76), (255, 255, 255)) == pytest.approx(4.54, abs=0.005)
