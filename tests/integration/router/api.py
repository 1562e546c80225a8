"""The router's API on a port, with the command that speaks to it."""

import threading

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from typer.testing import CliRunner

from cli.app import app as feedback
from cli.terminal import console
from runtime.operator import Operator
from runtime.problems import add_problem_handlers
from sandbox.processes import free_port
from services.router import delivery_api, destination_api, follow_up_api, match_review_api
from tests.integration.router.world import World, until

KEY = "o" * 32


class Api:
    """The router's API on a port, and the command that speaks to it."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        app = FastAPI()
        add_problem_handlers(app)
        operator = Operator(SecretStr(KEY), "ROUTER_OPERATOR_KEY")
        app.include_router(
            delivery_api.routes(pool=world.pool, clock=world.clock, plugins=world.plugins, operator=operator)
        )
        workers = [world.worker(), world.worker("neighbour")]
        app.include_router(
            follow_up_api.routes(desk=world.desk, pool=world.pool, clock=world.clock, operator=operator)
        )
        app.include_router(match_review_api.routes(pool=world.pool, operator=operator))
        app.include_router(destination_api.routes(deliveries=workers, pool=world.pool, operator=operator))
        port = free_port()
        self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        until(lambda: self._server.started)
        self.http = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}/v1", headers={"authorization": f"Bearer {KEY}"}
        )
        monkeypatch.setenv("ROUTER_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("ROUTER_OPERATOR_KEY", KEY)
        monkeypatch.setattr(console, "width", 80)  # as of a pipe, whatever the tests are run on

    def close(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(10)

    def page(self, **query: str) -> list[dict[str, object]]:
        items: list[dict[str, object]] = self.http.get("/deliveries", params=query).json()["items"]
        return items

    def statuses(self, **query: str) -> list[object]:
        return [one["status"] for one in self.page(**query)]

    def only(self) -> str:
        (found,) = self.page()
        return str(found["effect_id"])

    def run(self, *arguments: str) -> str:
        code, output = self._invoke(*arguments)
        assert code == 0, output
        return output

    def refused(self, *arguments: str) -> str:
        """What a command that ends with an error says, on one line."""
        code, output = self._invoke(*arguments)
        assert code in (1, 2), output
        assert "Traceback" not in output
        return " ".join(output.replace("│", " ").split())

    @staticmethod
    def _invoke(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(feedback, list(arguments))
        return done.exit_code, done.output
