"""A file of a table holds every digit, and nothing that a spreadsheet would run."""

from runtime.spreadsheet import csv_text
from schemas.scales import Metric
from services.insights.definitions import Share, Tally, change, score
from services.insights.figures import Row, Theme
from services.insights.web import tables


def test_figures_keep_their_digits_and_their_sign() -> None:
    unhappy = score(Metric.NPS, Tally(low=2, top=1))
    table = tables.breakdown("segment", [Row("small", unhappy)])
    assert table.columns == ("segment", "score", "low", "high", "answers")
    assert unhappy.interval is not None
    assert csv_text(table.rows) == f"small,{-100 / 3},{unhappy.interval.low},{unhappy.interval.high},3\r\n"


def test_a_value_that_is_a_formula_is_text() -> None:
    table = tables.breakdown("segment", [Row("=HYPERLINK(1)", score(Metric.NPS, Tally()))])
    assert csv_text(table.rows) == "'=HYPERLINK(1),,,,0\r\n"


def test_each_sentiment_is_a_column_of_every_theme() -> None:
    some, others = score(Metric.NPS, Tally(low=1)), score(Metric.NPS, Tally(top=3))

    def theme(name: str, sentiments: dict[str, int]) -> Theme:
        share = Share(1, 4)
        return Theme(name, some, others, change(others, some), some, share, share, sentiments)

    table = tables.themes([theme("price", {"negative": 1}), theme("support", {"": 1})])
    told = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(one["sentiment_negative"], one["sentiment_not_known"]) for one in told] == [(1, 0), (0, 1)]
    assert [one["impact"] for one in told] == [-200.0, -200.0]
    assert told[0]["is_significant"] is False
