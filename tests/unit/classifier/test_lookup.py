import pytest

from services.classifier.lookup import Lookup


def _found(taxonomy: Lookup, comment: str, language: str | None = None) -> dict[str, tuple[str, ...]]:
    return {claim.theme.id: claim.evidence for claim in taxonomy.claims(comment, language)}


@pytest.mark.parametrize(
    ("comment", "evidence"),
    [
        ("It crashes daily", "crashes"),
        ("CRASHED again!", "CRASHED"),
        ("it doesn't work.", "doesn't work"),
        ("it DOESN\u2019T work.", "DOESN\u2019T work"),
        ("Der Absturz kam", "Absturz"),
        ("die App sturzt ab", "sturzt ab"),
        ("Elle plante, hélas", "plante"),
    ],
)
def test_forms_case_and_accents_do_not_count(taxonomy: Lookup, comment: str, evidence: str) -> None:
    assert _found(taxonomy, comment) == {"reliability": (evidence,)}


@pytest.mark.parametrize(
    "comment", ["crashpad", "uncrashable", "inexpensively", "work doesn't", "price of an increase"]
)
def test_only_whole_words_in_order_match(taxonomy: Lookup, comment: str) -> None:
    assert _found(taxonomy, comment, "en") == {}


def test_neighbours_that_share_a_boundary_are_both_found(taxonomy: Lookup) -> None:
    assert _found(taxonomy, "slow crash expensive") == {
        "pricing": ("expensive",),
        "reliability": ("crash",),
        "speed": ("slow",),
    }


def test_evidence_is_the_phrase_and_not_also_its_part(taxonomy: Lookup) -> None:
    assert _found(taxonomy, "Too   expensive, slowed down, and the price increases…") == {
        "pricing": ("Too   expensive", "price increases"),
        "speed": ("slowed down",),
    }


def test_repeated_words_are_evidence_once(taxonomy: Lookup) -> None:
    assert _found(taxonomy, "slow, slow, Slow") == {"speed": ("slow", "Slow")}


def test_words_that_folding_takes_apart_do_not_shift_the_evidence(taxonomy: Lookup) -> None:
    assert _found(taxonomy, "½ ﷺ ǆ İ ß ﬁ: slow") == {"speed": ("slow",)}


@pytest.mark.parametrize(
    ("language", "themes"),
    [
        (None, {"pricing", "speed"}),
        ("de", {"pricing"}),
        ("de-CH", {"pricing"}),
        ("DE_at", {"pricing"}),
        ("en", {"speed"}),
        ("ja", set()),
    ],
)
def test_a_known_language_narrows_the_lists(taxonomy: Lookup, language: str | None, themes: set[str]) -> None:
    assert set(_found(taxonomy, "teuer und slow", language)) == themes
