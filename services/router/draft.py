"""A mail to a customer before it is sent. Pure."""

from pydantic import BaseModel, ConfigDict


class Draft(BaseModel):
    """A mail to the customer that somebody may edit and send."""

    model_config = ConfigDict(frozen=True)

    to: str
    name: str | None
    subject: str
    text: str
