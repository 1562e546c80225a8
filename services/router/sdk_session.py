"""What the vendors' own clients call through: one requests session each, whose connections are kept open."""

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from services.router.destination import Ambiguous, Retry


def kept_alive(url: str, *, connections: int) -> requests.Session:
    """A session for an address, with as many connections as there are threads that use it."""
    session = requests.Session()
    # What the environment says of proxies and certificates is read once; requests would at every call.
    environment = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify = environment["proxies"], environment["verify"]
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=connections))
    return session


def lost(error: OSError) -> Retry | Ambiguous:
    """A call that ended without an answer; only one that found nobody to talk to surely changed nothing."""
    if isinstance(error, requests.ConnectTimeout):
        return Retry("connect_timeout")
    if isinstance(error, requests.ConnectionError):
        cause = error.args[0] if error.args else None
        if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
            return Retry("connection_refused")
    timed_out = isinstance(error, TimeoutError | requests.Timeout)
    return Ambiguous("timeout" if timed_out else "connection_lost")
