"""A person's own link to the hosted survey."""

from dataclasses import dataclass

from schemas.requests import SurveyRequested
from schemas.survey_link import sign


@dataclass(frozen=True, slots=True)
class SurveyLinks:
    """Makes the links: the token names the request and carries no person."""

    public_url: str
    secret: bytes

    def url(self, request: SurveyRequested) -> str:
        """Where the person answers."""
        return f"{self.public_url.rstrip('/')}/s/{sign(self.secret, request.request_id, request.closes_at)}"
