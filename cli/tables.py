"""A service's tables as commands use them, and errors in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from cli.settings import DatabaseSettings
from cli.terminal import end
from runtime.postgres import conninfo
from runtime.settings import load


@contextmanager
def tables_of(service: str, *, read_only: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """A connection to DATABASE_URL that sees the service's schema; commits in the end.

    Says so and ends the command with code 1 when PostgreSQL does not answer or the tables are not there.
    """
    url = load(DatabaseSettings).database_url.get_secret_value()
    try:
        with psycopg.connect(conninfo(url, schema=service, application="feedback")) as connection:
            connection.read_only = read_only
            yield connection
    except psycopg.OperationalError as error:
        end(f"PostgreSQL does not answer ({type(error).__name__}). Is DATABASE_URL right?")
    except psycopg.errors.UndefinedTable:
        end(f"The tables of {service} are not there. Has `feedback migrate` run on DATABASE_URL?")
