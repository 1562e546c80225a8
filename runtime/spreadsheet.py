"""Cells of a CSV file that a spreadsheet opens: text, never a formula."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""OWASP's list of what starts a formula, with the full-width forms that some spreadsheets fold."""


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula: an apostrophe goes before what would be.

    Also behind leading blanks, which spreadsheets skip.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA_STARTS) else text
