"""What vendors' own clients call through: one requests session each, whose connections are kept open."""

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

NOBODY_THERE = frozenset({"connect_timeout", "connection_refused"})
"""Causes of `cause_of` after which the other side surely has not seen the call."""


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


def cause_of(error: OSError) -> str:
    """Why a call ended without an answer, in one word."""
    if isinstance(error, requests.ConnectTimeout):
        return "connect_timeout"
    if isinstance(error, requests.ConnectionError):
        cause = error.args[0] if error.args else None
        if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
            return "connection_refused"
    return "timeout" if isinstance(error, TimeoutError | requests.Timeout) else "connection_lost"
