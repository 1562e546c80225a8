from pathlib import Path

import pytest

from cli.rule_examples import survey_facts
from services.router.facts import Facts
from services.router.templates import Templates

SHIPPED = Path("deploy/config/templates")


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir()))
def test_every_shipped_template_names_only_known_facts(name: str) -> None:
    Templates(SHIPPED).check(name)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Subject: Hi\n\n{{ respnse.score }}", "mail.txt.j2:3: 'respnse' is unknown"),
        ("Subject: Hi\n{{ response.scoer }}", "mail.txt.j2:2: response.scoer is unknown"),
        ("Subject: Hi\n{% if profile.nam %}x{% endif %}", "mail.txt.j2:2: profile.nam is unknown"),
        ("Subject: Hi\n{% if x %}", "mail.txt.j2:2: "),
        ("{{ 'a' | no_such_filter }}", "mail.txt.j2:1: No filter named"),
    ],
)
def test_a_wrong_template_is_refused_with_file_and_line(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "mail.txt.j2").write_text(text)

    with pytest.raises(ValueError, match=complaint.replace(".", r"\.")):
        Templates(tmp_path).check("mail.txt.j2")


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"/no_such\.txt\.j2: there is no such template$"):
        Templates(tmp_path).check("no_such.txt.j2")
    (tmp_path / "thanks.txt.j2").write_text("Thank you.")
    with pytest.raises(ValueError, match=r"did you mean thanks\.txt\.j2\?$"):
        Templates(tmp_path).check("thnaks.txt.j2")


def test_a_template_may_set_and_loop(tmp_path: Path) -> None:
    (tmp_path / "mail.txt.j2").write_text(
        "{% set a = 1 %}{% for n in 'nps' | scores %}{{ n + a }}{% endfor %}"
    )

    Templates(tmp_path).check("mail.txt.j2")


def survey(program: str, language: str, cohort: str | None = None) -> Facts:
    facts = survey_facts({"program": program, "language": language})
    return facts.model_copy(update={"profile": facts.profile.model_copy(update={"cohort": cohort})})


@pytest.mark.parametrize(
    ("about", "variant"),
    [
        (survey("renewal", "de"), "renewal.de"),
        (survey("renewal", "de-AT"), "renewal.de"),
        (survey("renewal", "en"), "renewal"),
        (survey("other", "de"), "de"),
        (survey("other", "fr", "quarterly"), "quarterly"),
        (survey("other", "de", "quarterly"), "de"),
        (survey("other", "fr"), ""),
        (survey("../../secret", "fr", "/etc/passwd"), ""),
    ],
)
def test_a_template_has_variants_by_program_cohort_and_language(
    about: Facts, variant: str, tmp_path: Path
) -> None:
    for name in ("", "renewal", "renewal.de", "de", "quarterly"):
        (tmp_path / f"mail.{name}.txt.j2".replace("..", ".")).write_text(name)
    templates = Templates(tmp_path)
    templates.check("mail.txt.j2")
    assert templates.render("mail.txt.j2", about) == variant


def test_a_wrong_variant_is_refused_with_the_template(tmp_path: Path) -> None:
    (tmp_path / "mail.txt.j2").write_text("Hello")
    (tmp_path / "mail.de.txt.j2").write_text("{{ profile.nam }}")
    with pytest.raises(ValueError, match=r"mail\.de\.txt\.j2:1: profile\.nam is unknown"):
        Templates(tmp_path).check("mail.txt.j2")
