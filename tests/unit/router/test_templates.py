from pathlib import Path

import pytest

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
    with pytest.raises(ValueError, match=r"no_such\.txt\.j2"):
        Templates(tmp_path).check("no_such.txt.j2")


def test_a_template_may_set_and_loop(tmp_path: Path) -> None:
    (tmp_path / "mail.txt.j2").write_text(
        "{% set a = 1 %}{% for n in 'nps' | scores %}{{ n + a }}{% endfor %}"
    )

    Templates(tmp_path).check("mail.txt.j2")
