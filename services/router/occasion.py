"""What rules look at."""

from enum import StrEnum


class Occasion(StrEnum):
    """What a rule looks at."""

    RESPONSE = "response"
    SURVEY_REQUEST = "survey_request"
