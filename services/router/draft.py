"""A mail to a customer before it is sent. Pure."""

from pydantic import BaseModel, ConfigDict


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
