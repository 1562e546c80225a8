"""How the company looks on the survey's pages: its name, colour, logo and links."""

from base64 import b64encode
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LOGO_BYTES = 64 * 1024
_LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
_READABLE = 4.5
"""Least contrast of text with its background: WCAG 2.2, success criterion 1.4.3."""
_WHITE = (255, 255, 255)
_LINEAR_UP_TO = 0.04045

_Rgb = tuple[int, int, int]


def contrast(one: _Rgb, other: _Rgb) -> float:
    """Contrast ratio, 1 to 21, of two sRGB colours (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: _Rgb) -> float:
    red, green, blue = (
        share / 12.92 if share <= _LINEAR_UP_TO else ((share + 0.055) / 1.055) ** 2.4
        for share in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _readable_on_white(value: str) -> str:
    rgb = tuple(bytes.fromhex(value[1:]))
    colour = (rgb[0], rgb[1], rgb[2])
    ratio = contrast(colour, _WHITE)
    if ratio >= _READABLE:
        return value.lower()
    raise ValueError(
        f"white text on {value} has a contrast of {ratio:.1f}, at least {_READABLE} expected (WCAG 2.2 AA);"
        f" the nearest shade that has it is {_darkened(colour)}"
    )


def _darkened(colour: _Rgb) -> str:
    for percent in range(99, 0, -1):
        red, green, blue = (channel * percent // 100 for channel in colour)
        if contrast((red, green, blue), _WHITE) >= _READABLE:
            return f"#{red:02x}{green:02x}{blue:02x}"
    return "#000000"


Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), AfterValidator(_readable_on_white)]
"""An sRGB colour such as #1d4ed8 on which white text can be read."""
Url = Annotated[str, Field(pattern=r"^https?://\S+$", max_length=2_000)]


class Brand(BaseModel):
    """`brand` of survey.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    colour: Colour = "#1d4ed8"
    logo: str | None = Field(default=None, pattern=r"^[\w.-]+\.(svg|png|webp)$")
    """A picture beside survey.yaml; it travels within the page."""
    privacy_url: Url | None = None
    """Where the company says what it does with answers."""
    help_url: Url | None = None
    """Where an unhappy customer gets help at once."""


def logo_as_url(picture: Path) -> str:
    """The picture as a `data:` URL. Raises ValueError when it cannot be read or is too large."""
    try:
        content = picture.read_bytes()
    except OSError as error:
        raise ValueError(f"{picture} cannot be read: {error.strerror}; expected a picture") from None
    if len(content) > LOGO_BYTES:
        raise ValueError(f"{picture} has {len(content):,} bytes, at most {LOGO_BYTES:,} expected")
    return f"data:{_LOGO_TYPES[picture.suffix]};base64,{b64encode(content).decode()}"
