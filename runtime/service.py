"""Runs a service: its workers in threads, its HTTP application in front, one way to stop."""

import gc
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi import FastAPI

STOP_SECONDS = 9.0
"""From the signal to the end; supervisors kill after 10."""
HTTP_STOP_SECONDS = 4

Worker = Callable[[threading.Event], None]
_YOUNG_OBJECTS = 20_000
"""New objects before the collector looks for cycles among them. Python's own 700 are reached ten times within
one batch of records, which holds no cycle; that took a tenth of a busy service's time."""
log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: one signal must stop the workers as well."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Run:
    """The state that threads share: when to stop, and what died."""

    def __init__(self, server: _Server) -> None:
        self.stop = threading.Event()
        self.stopped_at = 0.0
        self.dead: list[str] = []
        self._server = server

    def end(self) -> None:
        if not self.stop.is_set():
            self.stopped_at = time.monotonic()
            self.stop.set()
        self._server.should_exit = True

    def work(self, name: str, worker: Worker) -> None:
        try:
            worker(self.stop)
        except Exception:  # whatever it was, the process ends and the supervisor starts a fresh one
            log.exception("worker died", worker=name)
            self.dead.append(name)
        else:
            if not self.stop.is_set():
                log.error("worker ended by itself", worker=name)
                self.dead.append(name)
        self.end()


def run_service(name: str, *, workers: Mapping[str, Worker], app: FastAPI, host: str, port: int) -> int:
    """Runs until SIGTERM or SIGINT, or until a worker dies; returns the process's exit code.

    Every worker gets the event that is set when it should return. 0: all stopped within 9 s of the signal.
    1: a worker died, would not stop, or the port could not be had.
    """
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nothing asks who called
            server_header=False,
            timeout_graceful_shutdown=HTTP_STOP_SECONDS,
        )
    )
    run = _Run(server)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: run.end())
    threads = [
        threading.Thread(target=run.work, args=(worker_name, worker), name=worker_name, daemon=True)
        for worker_name, worker in workers.items()
    ]
    # What is loaded by now stays. Looking through it again at every full collection would stop the service
    # for about 90 ms each time, once a second under load.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
    for thread in threads:
        thread.start()
    log.info("service started", service=name, host=host, port=port)
    code = _serve(server)
    run.end()
    return max(code, _join(run, threads))


def _serve(server: _Server) -> int:
    try:
        server.run()
    except SystemExit:  # uvicorn's way of saying that it could not bind
        log.exception("HTTP server did not start")
        return 1
    return 0 if server.started else 1


def _join(run: _Run, threads: list[threading.Thread]) -> int:
    deadline = run.stopped_at + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = [thread.name for thread in threads if thread.is_alive()]
    if late:
        log.error("workers did not stop in time", workers=late)
    log.info("service stopped", seconds=round(time.monotonic() - run.stopped_at, 1))
    return 1 if run.dead or late else 0
