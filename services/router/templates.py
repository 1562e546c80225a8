"""Jinja2 templates of the user, rendered in a sandbox."""

from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.router.facts import Facts


class Templates:
    """The folder of templates. A name ending in `.html.j2` escapes what it inserts, any other does not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def check(self, name: str) -> None:
        """Raise ValueError, saying where, when the template is missing or is not valid Jinja2."""
        try:
            self._environment.get_template(name)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            where = f"{self.folder / name}:{line}" if line else str(self.folder / name)
            raise ValueError(f"{where}: {error.message or 'no such template'}") from error

    def render(self, name: str, facts: Facts, **more: object) -> str:
        """The template filled with `response`, `survey`, `profile`, `account` and `more`.

        Raises jinja2.UndefinedError when it uses a name that does not exist.
        """
        return self._environment.get_template(name).render(
            response=facts.response,
            survey=facts.survey,
            profile=facts.profile,
            account=facts.account,
            **more,
        )
