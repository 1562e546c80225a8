"""How a page is made: templates, files beside them, and the headers everything goes out with."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from services.insights.web import wording
from services.insights.web.axis import MINUS
from services.insights.web.bars import shade

FILES = {"pages.css": "text/css; charset=utf-8"}
"""What browsers fetch beside a page, by media type."""
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    # Addresses say what is filtered by, which may be a person.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_A_YEAR = "public, max-age=31536000, immutable"
_FOLDER = Path(__file__).parent / "static"
_ENVIRONMENT = Environment(
    loader=PackageLoader("services.insights.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _addresses() -> dict[str, str]:
    """Name and address of each file; the address changes with what is in it."""
    return {name: f"/files/{sha256((_FOLDER / name).read_bytes()).hexdigest()[:16]}/{name}" for name in FILES}


_ENVIRONMENT.globals.update(files=_addresses(), minus=MINUS, shade=shade)
_ENVIRONMENT.filters.update(wording.FILTERS)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - a template takes anything
    """A whole page; who looks at it and the token of its forms are known to the template."""
    state = request.state
    html = _ENVIRONMENT.get_template(template).render(
        staff=getattr(state, "staff", None),
        token=request.session.get("token", ""),
        path=request.url.path,
        **values,
    )
    return Response(html, status, media_type="text/html; charset=utf-8")


def nothing_here(request: Request, sentence: str) -> Response:
    """The page in place of one that does not exist."""
    return page(request, "message.html", status=404, heading="Nothing here", sentence=sentence)


def file_routes() -> APIRouter:
    """What pages are styled by; the same for everybody."""
    routes = APIRouter(include_in_schema=False)
    contents = {address: (_FOLDER / name).read_bytes() for name, address in _addresses().items()}

    @routes.get("/files/{digest}/{name}")
    def file(request: Request, name: str) -> Response:
        content = contents.get(request.url.path)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type=FILES[name], headers={"Cache-Control": _A_YEAR})

    return routes
