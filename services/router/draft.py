"""A mail to a customer before it is sent. Pure."""

import re

from pydantic import BaseModel, ConfigDict

_ASIDE = re.compile(r"^\(.+(?:\n.+)*?\)$", re.MULTILINE)


class Draft(BaseModel):
    """A mail to the customer that somebody may edit and send."""

    model_config = ConfigDict(frozen=True)

    to: str
    name: str | None
    subject: str
    text: str

    def signed(self, by: str, *, instead_of: str | None) -> "Draft":
        """Signed by whoever writes it, where the template signed for the customer's owner."""
        text = self.text.rstrip()
        if not instead_of or not text.endswith(instead_of):
            return self
        return self.model_copy(update={"text": text.removesuffix(instead_of) + by})

    def left_to_write(self, text: str) -> str | None:
        """The first of the template's asides to the writer, in parentheses, that still stands in `text`."""
        written = " ".join(text.split())
        asides = (" ".join(aside.split()) for aside in _ASIDE.findall(self.text))
        return next((aside for aside in asides if aside in written), None)
