"""Slack's mrkdwn as HTML. Whatever is not markup is escaped, so a message can only ever draw itself.

Markup as on docs.slack.dev/messaging/formatting-message-text.
"""

import re
from collections.abc import Mapping
from html import unescape

from markupsafe import Markup, escape

_SPECIAL = re.compile(r"<([^<>\n]+)>")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "b"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "i"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "s"),
)
_EMOJI = re.compile(r":([a-z0-9_+-]+):")
_EMOJIS = {
    "red_circle": "🔴",
    "large_yellow_circle": "🟡",
    "large_green_circle": "🟢",
    "white_check_mark": "✅",
    "warning": "⚠️",
    "tada": "🎉",
    "eyes": "👀",
    "hourglass": "⌛",
    "bell": "🔔",
    "star": "⭐",
    "email": "✉️",
    "phone": "☎️",
    "+1": "👍",
    "-1": "👎",
}
_DOTS = {"🔴": "red", "🟠": "orange", "🟡": "yellow", "🟢": "green", "🔵": "blue", "⚪": "white"}
_DOT = re.compile("|".join(_DOTS))
_KEPT = (
    "\ue000{}\ue001"  # private-use characters: they stand for finished HTML while the rest is still styled
)
_PLACE = re.compile("\ue000(\\d+)\ue001")


def mrkdwn(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> Markup:
    """Draw `text`; `people` and `channels` give the names behind mentioned ids."""
    kept: list[str] = []

    def keep(html: str) -> str:
        kept.append(html)
        return _KEPT.format(len(kept) - 1)

    text = text.replace("\ue000", "").replace("\ue001", "")
    text = _FENCE.sub(lambda found: keep(f"<pre>{_plain(found[1])}</pre>"), text)
    text = _CODE.sub(lambda found: keep(f"<code>{_plain(found[1])}</code>"), text)
    text = _SPECIAL.sub(lambda found: keep(_special(found[1], people, channels)), text)
    html = "".join(_line(line) for line in _plain(text).split("\n")).removesuffix("<br>")
    return Markup(_PLACE.sub(lambda found: kept[int(found[1])], html))  # noqa: S704 - every part was escaped above


def plain(text: str, *, emoji: bool) -> Markup:
    """Draw text that is not mrkdwn; `emoji` says whether short codes count."""
    html = str(escape(text))
    return Markup(_dots(_emoji(html) if emoji else html))  # noqa: S704 - escaped above


def _emoji(html: str) -> str:
    return _EMOJI.sub(lambda found: _EMOJIS.get(found[1], found[0]), html)


def _dots(html: str) -> str:
    """Draw coloured circles by style: they carry a meaning, and not every machine has a font with them."""
    return _DOT.sub(
        lambda found: (
            f'<span class="dot {_DOTS[found[0]]}" role="img" aria-label="{_DOTS[found[0]]}"></span>'
        ),
        html,
    )


def _plain(text: str) -> str:
    """Escape once what Slack's clients send escaped (`&amp;`, `&lt;`, `&gt;`) and what they do not."""
    return str(escape(unescape(text)))


def _line(line: str) -> str:
    quoted = line.startswith("&gt;")
    if quoted:
        line = line.removeprefix("&gt;").removeprefix(" ")
    for pattern, tag in _STYLES:
        line = pattern.sub(rf"<{tag}>\1</{tag}>", line)
    line = _dots(_emoji(line))
    return f"<blockquote>{line}</blockquote>" if quoted else f"{line}<br>"


def _special(inside: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return f'<span class="mention">@{_plain(people.get(target[1:], label or target[1:]))}</span>'
    if target.startswith("#"):
        return f'<span class="mention">#{_plain(channels.get(target[1:], label or target[1:]))}</span>'
    if target.startswith("!date^"):
        return _plain(label)
    if target.startswith("!"):
        return f'<span class="mention loud">@{_plain(target[1:].partition("^")[0])}</span>'
    if target.startswith(("https://", "http://", "mailto:", "tel:")):
        shown = _plain(label or target)
        return f'<a href="{_plain(target)}" target="_blank" rel="noopener noreferrer">{shown}</a>'
    return _plain(f"<{inside}>")
