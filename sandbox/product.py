"""A page of the company's own product at `/product`, with the in-app widget in it.

Its content security policy is the strictest that the widget works under.
"""

from secrets import token_urlsafe

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

from sandbox.world import World


def policy(ingest: str, nonce: str) -> str:
    """The policy that lets the script with this nonce in, and lets it talk to ingest."""
    connect = f" connect-src {ingest};" if ingest else ""
    return (
        f"default-src 'none'; style-src 'self'; script-src 'nonce-{nonce}';{connect} base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


def routes(world: World) -> APIRouter:
    """Serve `/product`."""
    router = APIRouter()
    template = Environment(loader=PackageLoader("sandbox"), autoescape=True, trim_blocks=True).get_template(
        "product.html.j2"
    )
    ingest = world.settings.ingest_url.rstrip("/")

    @router.get("/product")
    async def product() -> HTMLResponse:
        nonce = token_urlsafe(16)
        allowed = policy(ingest, nonce)
        headers = {"Content-Security-Policy": allowed, "Cache-Control": "no-store"}
        return HTMLResponse(template.render(ingest=ingest, nonce=nonce, policy=allowed), headers=headers)

    return router
