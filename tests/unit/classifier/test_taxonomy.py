from pathlib import Path

import pytest

from runtime.yaml_file import ConfigError, parse_yaml
from services.classifier.lookup import Lookup
from services.classifier.taxonomy import Themes, load_themes, misplaced

SHIPPED = Path(__file__).parents[3] / "deploy" / "config" / "themes.yaml"
GOOD = """\
version: 1
themes:
  - id: pricing
    name: Price
    description: What it costs.
    function: Sales
    keywords:
      en: [expensive]
"""


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("version: 1", "version: one", "themes.yaml:1: version: expected a valid integer"),
        ("version: 1\n", "", "themes.yaml:1: version: is missing"),
        ("id: pricing", "id: Pricing!", "themes.yaml:3: themes.0.id: "),
        ("function: Sales", "function: Kitchen", "themes.yaml:6: themes.0.function: expected 'Support'"),
        ("name: Price", "nam: Price", "themes.yaml:4: themes.0.nam: is not known here"),
        ("en:", "xx:", "themes.yaml:8: themes.0.keywords.xx"),
        ("[expensive]", "[expensive, '!?']", "themes.yaml:8: themes.0.keywords.en.1: expected a word"),
        ("[expensive]", "[yes]", "themes.yaml:8: themes.0.keywords.en.0: expected a valid string"),
        ("[expensive]", "[expensive", "not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(good: str, bad: str, complaint: str) -> None:
    assert good in GOOD
    with pytest.raises(ConfigError) as raised:
        parse_yaml(GOOD.replace(good, bad), Themes, name="themes.yaml")

    assert complaint in str(raised.value)


def test_ids_must_differ() -> None:
    theme = GOOD.split("themes:\n")[1]
    with pytest.raises(ConfigError, match=r"themes.yaml:2: themes: .* more than once: pricing"):
        parse_yaml(GOOD + theme, Themes, name="themes.yaml")


def test_the_shipped_themes_cover_four_languages() -> None:
    themes = load_themes(SHIPPED).themes

    assert {theme.id for theme in themes} >= {"reliability", "pricing", "support", "survey-complaint"}
    assert all(set(theme.keywords) == {"en", "de", "es", "fr"} for theme in themes)


def test_no_shipped_keyword_is_listed_twice() -> None:
    for theme in load_themes(SHIPPED).themes:
        for language, keywords in theme.keywords.items():
            assert len(set(keywords)) == len(keywords), f"{theme.id}, {language}"


@pytest.mark.parametrize(
    ("comment", "theme"),
    [
        ("Stop sending me these", "survey-complaint"),
        ("schon wieder eine Umfrage", "survey-complaint"),
        ("Dejen de enviarme encuestas", "survey-complaint"),
        ("Trop d'enquêtes !", "survey-complaint"),
        ("The export keeps failing and it crashed twice", "reliability"),
        ("Der Support antwortet nie", "support"),
        ("Es demasiado caro", "pricing"),
        ("La facture était fausse", "billing"),
        ("Ladezeiten sind furchtbar", "performance"),
        ("Hard to use on my iPad", "mobile"),
        ("Two-factor login keeps asking", "security"),
    ],
)
def test_the_shipped_themes_know_what_customers_say(comment: str, theme: str) -> None:
    lookup = Lookup(load_themes(SHIPPED))

    assert theme in {claim.theme.id for claim in lookup.claims(comment, None)}


@pytest.mark.parametrize(
    ("parent", "complaint"),
    [
        ("nobody", "expected the id of a theme of this file, not 'nobody'"),
        ("pricing", "pricing is itself part of a theme; expected one of the upper level"),
    ],
)
def test_there_are_two_levels(parent: str, complaint: str) -> None:
    theme = GOOD.split("themes:\n")[1]
    upper = theme.replace("id: pricing", "id: money")
    part = theme.replace("    name", "    parent: money\n    name")
    other = theme.replace("id: pricing", "id: rebates").replace("    name", f"    parent: {parent}\n    name")
    assert (
        parse_yaml(GOOD.split("  - id", maxsplit=1)[0] + upper + part, Themes, misplaced, name="t")
        .themes[1]
        .parent
        == "money"
    )
    with pytest.raises(ConfigError, match=f"t:17: themes.2.parent: {complaint}"):
        parse_yaml(GOOD.split("  - id", maxsplit=1)[0] + upper + part + other, Themes, misplaced, name="t")


def test_a_theme_that_cannot_be_found_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"t:3: themes.0: pricing has neither keywords nor examples"):
        parse_yaml(GOOD.split("    keywords", maxsplit=1)[0], Themes, name="t")
