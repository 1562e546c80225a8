"""The survey's HTML pages: what they say, and the headers they go out with."""

from base64 import b64encode
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from schemas.requests import SurveyRequested
from schemas.scales import SCALES, Group, group_of
from services.ingest.brand import Brand, logo_as_url
from services.ingest.languages import Language, Languages, translatable
from services.ingest.phrases import ENDS, THANKS
from services.ingest.surveys import COMMENT_LIMIT, Answer, Form, Mistake

_TEMPLATES = PackageLoader("services.ingest")


class Link(NamedTuple):
    """Where a page can lead."""

    href: str
    text: str


_UNHAPPY = frozenset({Group.DETRACTOR, Group.NEGATIVE})
_MISTAKES: dict[Mistake, str] = {
    Mistake.NO_SCORE: translatable("Please choose a number from %(lowest)s to %(highest)s."),
    Mistake.TOO_LONG: translatable("Please shorten this text to %(limit)s characters."),
}


class Site:
    """The pages in the company's colours, in every language; `pictures` is the folder of the logo.

    Raises ValueError where the logo cannot be used.
    """

    def __init__(self, brand: Brand, languages: Languages, *, pictures: Path) -> None:
        source, *_ = _TEMPLATES.get_source(Environment(autoescape=True), "survey.css")
        style = f":root{{--brand:{brand.colour}}}\n{source}"
        allowed = b64encode(sha256(style.encode()).digest()).decode()
        self.headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{allowed}'; img-src data:; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            # The page's address is the key to the survey: it must reach nobody else.
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex, nofollow",
        }
        logo = logo_as_url(pictures / brand.logo) if brand.logo else None
        self._languages = languages
        self._pages = {
            language.code: Pages(language, brand, {"style": style, "logo": logo}, self.headers)
            for language in languages
        }

    def pages(self, wanted: str) -> "Pages":
        """The pages in the best language for a tag, or for an Accept-Language header."""
        return self._pages[self._languages.best(wanted).code]


class Pages:
    """All pages in one language."""

    def __init__(
        self, language: Language, brand: Brand, look: Mapping[str, object], headers: Mapping[str, str]
    ) -> None:
        self.language = language
        """The language."""
        self._brand = brand
        self._headers = headers
        self._environment = Environment(
            loader=_TEMPLATES,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._environment.install_gettext_translations(language.catalogue, newstyle=True)  # type: ignore[attr-defined]  # the extension's
        self._environment.globals.update(look, brand=brand, language=language)

    def say(self, message: str, **values: object) -> str:
        """The message in the language of these pages."""
        return self.language.say(message, **values)

    def survey(
        self,
        request: SurveyRequested,
        form: Form,
        *,
        token: str,
        answer: Answer | None,
        follow_ups: Mapping[Group, str],
        further_question: str | None,
        status: int = 200,
    ) -> Response:
        """The scale alone, or all questions once a score is known; empty or with what was filled in."""
        scale = SCALES[request.metric]
        lowest, highest = ENDS[request.metric]
        return self._page(
            "survey.html",
            status,
            request=request,
            form=form,
            mistakes={name: self._worded(mistake, request) for name, mistake in form.mistakes.items()},
            action=f"/s/{token}",
            token=token,
            is_final=answer is not None and not answer.provisional,
            closes_on=self.language.day(request.closes_at),
            scores={
                score: group_of(request.metric, score) for score in range(scale.lowest, scale.highest + 1)
            },
            ends=(self.say(lowest), self.say(highest)),
            follow_ups=follow_ups,
            asks_more=form.score is not None or bool(form.comment or form.further),
            # Words without a score: the question that takes no side.
            group=list(follow_ups)[1] if form.score is None else group_of(request.metric, form.score),
            further_question=further_question,
            comment_limit=COMMENT_LIMIT,
        )

    def thanks(
        self,
        request: SurveyRequested,
        answer: Answer,
        *,
        token: str,
        offered: Mapping[str, str],
        ticked: Collection[str],
        saved: bool = False,
    ) -> Response:
        """What the person reads after answering, with what they may tick: `offered`, by topic."""
        group = group_of(request.metric, answer.score)
        return self._page(
            "thanks.html",
            200,
            chosen=self.say("You chose %(score)s.", score=answer.score),
            sentence=self.say(THANKS[group]),
            help_url=self._brand.help_url if group in _UNHAPPY else None,
            offered=offered,
            ticked=ticked,
            saved=saved,
            token=token,
            closes_on=self.language.day(request.closes_at),
        )

    def unsubscribe(self, *, token: str) -> Response:
        """Asks before anything changes."""
        return self._page("unsubscribe.html", 200, action=f"/s/{token}/unsubscribe")

    def unsubscribed(self, *, program_only: bool) -> Response:
        """It is done: for all surveys, or for those of the same program."""
        return self._message(
            self.say("You will get no more surveys like this one")
            if program_only
            else self.say("You will get no more surveys"),
            self.say("Thank you for telling us. If something is on your mind, reply to any message of ours."),
        )

    def forged(self) -> Response:
        """The link was not made by us, or only part of it was copied."""
        return self._message(
            self.say("This link does not work"),
            self.say(
                "Part of it may be missing. Please open it from the message you received, or copy all of it."
            ),
            status=404,
        )

    def closed(self) -> Response:
        """Too late."""
        return self._message(
            self.say("This survey is closed"),
            self.say("Thank you for coming. Its time is over and answers are not taken any more."),
            self.say("If something is on your mind, please reply to the message that brought you here."),
            status=410,
        )

    def cancelled(self) -> Response:
        """The request was withdrawn."""
        return self._message(
            self.say("This survey is not needed any more"),
            self.say("Thank you for coming. There is nothing left to answer."),
            status=410,
        )

    def not_ready(self, *, token: str) -> Response:
        """The link is good, but the request has not arrived here."""
        return self._message(
            self.say("One moment, please"),
            self.say("You were quicker than we are: your survey is being prepared."),
            link=Link(f"/s/{token}", self.say("Try again")),
            status=503,
            retry_after_seconds=5,
        )

    def unavailable(self) -> Response:
        """The database is away."""
        return self._message(
            self.say("Please try again in a minute"),
            self.say(
                "We cannot open or save your survey right now. "
                "If you have just sent an answer: it is not saved yet."
            ),
            self.say("Go back, and send it again in a minute. Your browser keeps what you wrote."),
            status=503,
            retry_after_seconds=30,
        )

    def too_large(self) -> Response:
        """More was posted than the form can hold."""
        return self._message(
            self.say("That was too much"),
            self.say(
                "Your answer is not sent. Please go back and shorten your text to %(limit)s characters.",
                limit=self.language.number(COMMENT_LIMIT),
            ),
            status=413,
        )

    def _worded(self, mistake: Mistake, request: SurveyRequested) -> str:
        scale = SCALES[request.metric]
        return self.say(
            _MISTAKES[mistake],
            lowest=scale.lowest,
            highest=scale.highest,
            limit=self.language.number(COMMENT_LIMIT),
        )

    def _message(
        self,
        heading: str,
        *sentences: str,
        link: Link | None = None,
        status: int = 200,
        retry_after_seconds: int | None = None,
    ) -> Response:
        response = self._page("message.html", status, heading=heading, sentences=sentences, link=link)
        if retry_after_seconds is not None:
            response.headers["Retry-After"] = str(retry_after_seconds)
        return response

    def _page(self, template: str, status: int, **values: object) -> Response:
        html = self._environment.get_template(template).render(values)
        return Response(
            html, status_code=status, headers=dict(self._headers), media_type="text/html; charset=utf-8"
        )
