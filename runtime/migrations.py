"""Alembic without its command line: one PostgreSQL schema and one version table a service."""

import importlib.util
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text

from runtime import clock

VERSION_TABLE = "alembic_version"


def migrate(url: str, service: str, directory: Path | None = None) -> str:
    """Brings a service's schema to its newest revision and returns that revision's name.

    `directory` (default: `migrations` of the package `services.<service>`) holds `versions/NNNN_*.py` of
    plain SQL. The schema, and the one that the business clock lives in, are made where they are missing. Runs
    at the same time wait for one another.
    """
    scripts = ScriptDirectory(str(directory or _directory(service)))
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('migrations'))"))
            connection.exec_driver_sql(clock.CREATE_SQL)
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{service}"')
            connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
            _upgrade(connection, scripts, service)
    finally:
        engine.dispose()
    return scripts.get_current_head() or "nothing"


def _upgrade(connection: Connection, scripts: ScriptDirectory, service: str) -> None:
    def steps(revision: str, _context: MigrationContext) -> list[RevisionStep]:
        return scripts._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), scripts, fn=steps, destination_rev="head") as environment:
        environment.configure(
            connection=connection, version_table=VERSION_TABLE, version_table_schema=service
        )
        environment.run_migrations()


def _directory(service: str) -> Path:
    spec = importlib.util.find_spec(f"services.{service}")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"there is no service called {service!r} to migrate")
    return Path(spec.submodule_search_locations[0]) / "migrations"
