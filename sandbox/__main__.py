"""Start the doubles: `python -m sandbox`."""

import sys

import uvicorn

from runtime.settings import load
from sandbox.app import sandbox_app
from sandbox.server import AbortableProtocol
from sandbox.settings import SandboxSettings
from sandbox.websocket import protocol
from sandbox.world import build


def main() -> int:
    """Serve until SIGTERM or SIGINT. Ends with code 2 if a setting is wrong."""
    settings = load(SandboxSettings)
    world = build(settings)
    uvicorn.run(
        sandbox_app(world),
        host=settings.sandbox_host,
        port=settings.sandbox_port,
        http=AbortableProtocol,
        ws=protocol(world.sockets),  # type: ignore[arg-type]  # declared a class, used as anything that makes one
        loop="uvloop",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
