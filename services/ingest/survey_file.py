"""`survey.yaml`: the brand of the survey's pages, and what they ask beyond the score."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from runtime.yaml_file import Location, load_yaml
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.scales import GROUPS, Group, Metric
from services.ingest.brand import Brand, logo_as_url
from services.ingest.wishes import FAVOURS

Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]

Texts = Annotated[dict[Language, Sentence], Field(min_length=1)]
"""The same words by language."""


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Config):
    """A question to those whom it fits; what is left out fits everybody."""

    ask: Texts
    """By language; who is asked in another one gets the next question that fits."""
    programs: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()

    def fits(self, request: SurveyRequested, profile: ProfileChanged | None) -> bool:
        """Whether it is for whom is asked."""
        return all(
            not wanted or has in wanted
            for wanted, has in (
                (self.programs, request.program),
                (self.segments, profile and profile.segment),
                (self.cohorts, profile and profile.cohort),
            )
        )


class FollowUp(Question):
    """The open question after the score."""

    groups: tuple[Group, ...] = ()


class AnonymousSurvey(_Config):
    """What the widget asks people who are not signed in, such as prospects."""

    program: str = Field(pattern="^[a-z][a-z0-9_-]{0,63}$")
    """Under which the answers are recorded."""
    metric: Metric
    question: Texts
    follow_up: Texts
    share: float = Field(gt=0, le=1)
    """Which part of the visitors is asked, drawn once a browser."""
    again_after_days: int = Field(default=90, ge=7, le=730)
    """Days before the same browser is asked again."""


class WidgetFile(_Config):
    """`widget`: how the survey is shown within the product."""

    never_on: tuple[Annotated[str, Field(pattern=r"^[/*]")], ...] = ()
    """Paths of pages where nobody is asked; * stands for anything."""
    anonymous: AnonymousSurvey | None = None


class SurveyFile(_Config):
    """The whole file."""

    brand: Brand
    follow_ups: tuple[FollowUp, ...] = ()
    """The first that fits is asked, else the program's own."""
    further_questions: tuple[Question, ...] = ()
    """The first that fits is asked below the follow-up question."""
    favours: tuple[str, ...] = tuple(FAVOURS)
    """What promoters may offer on the thank-you page, in this order."""
    widget: WidgetFile = WidgetFile()

    def follow_up_questions(
        self, request: SurveyRequested, profile: ProfileChanged | None
    ) -> dict[Group, str]:
        """What each group is asked after its score, from the lowest group to the highest."""
        questions = {}
        for group in GROUPS[request.metric]:
            meant = [one for one in self.follow_ups if not one.groups or group in one.groups]
            questions[group] = _first(meant, request, profile) or request.follow_up_question
        return questions

    def further_question(self, request: SurveyRequested, profile: ProfileChanged | None) -> str | None:
        """The second open question, where there is one for this person."""
        return _first(self.further_questions, request, profile)


def _first(
    questions: Iterable[Question], request: SurveyRequested, profile: ProfileChanged | None
) -> str | None:
    language = request.language.partition("-")[0].lower()
    fitting = (one for one in questions if one.fits(request, profile))
    return next((one.ask[language] for one in fitting if language in one.ask), None)


def load_survey_file(path: Path) -> SurveyFile:
    """The file's content; raises ConfigError."""

    def wrong(file: SurveyFile) -> Iterator[tuple[Location, str]]:
        for place, favour in enumerate(file.favours):
            if favour not in FAVOURS:
                yield ("favours", place), f"{favour} is none of {', '.join(FAVOURS)}"
        if file.brand.logo:
            try:
                logo_as_url(path.with_name(file.brand.logo))
            except ValueError as error:
                yield ("brand", "logo"), str(error)

    return load_yaml(path, SurveyFile, wrong)
