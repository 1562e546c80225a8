"""The schedules of the delivery machine on the real tables: what the twin of the unit test does, they do."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.postgres import conninfo
from services.router import claiming, completing, effect_store, plan_store
from services.router.admission import SubjectState
from services.router.destination import Operation
from services.router.effect import EffectRow, StoredEffect
from services.router.follow_up_effects import Shown
from services.router.ledger import PLANS_BY_KEY, Claimed, Completion
from services.router.plan_store import Newcomer
from services.router.upkeep import ensure_partitions
from tests.integration.router.world import box_plugin
from tests.unit.router.delivery_machine import EPOCH, HARD, KINDS, SCHEDULES, DeliveryMachine, Event

EXAMPLES = 100
BOX = "box"
CLOCK_SQL = """
CREATE SCHEMA IF NOT EXISTS hand_clock;
CREATE OR REPLACE FUNCTION hand_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT current_setting('hand_clock.now')::timestamptz $$;
CREATE OR REPLACE FUNCTION hand_clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('hand_clock.now')::timestamptz $$;
CREATE OR REPLACE FUNCTION hand_clock.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('hand_clock.now')::timestamptz $$;
ALTER TABLE pending ALTER COLUMN due_at SET DEFAULT hand_clock.now();
"""


PLUGIN = box_plugin(KINDS["looks"], BOX)
SHOWN = Shown({BOX: PLUGIN})


def set_clock(connection: claiming.Connection, moment: datetime) -> None:
    connection.execute("SELECT set_config('hand_clock.now', %s, false)", (moment.isoformat(),))


class Tables:
    """The product's tables, whose clock is set by hand: its functions are found before PostgreSQL's own."""

    def __init__(self, connection: claiming.Connection) -> None:
        self._connection = connection
        self._transactions = 0
        self.now = EPOCH
        with self.transaction():
            connection.execute("TRUNCATE subjects, effects, pending, attempts")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        # No two transactions are of the same moment.
        self._transactions += 1
        moment = self.now + timedelta(microseconds=self._transactions)
        with self._connection.transaction():
            set_clock(self._connection, moment)
            yield

    def subject(self, subject: str, person_key: str) -> SubjectState:
        newcomer = Newcomer(person_key, SubjectState())
        return plan_store.lock_subjects(self._connection, {subject: newcomer}).get(subject, newcomer.state)

    def effects_of(self, subject: str) -> Mapping[str, StoredEffect]:
        return effect_store.of_subjects(self._connection, [subject]).get(subject, {})

    def write_plan(self, subject: str, state: SubjectState, rows: Sequence[EffectRow]) -> None:
        plan_store.write_subjects(self._connection, {subject: state})
        effect_store.write(self._connection, rows, now=EPOCH)

    def show_again(self, subject: str) -> bool:
        before = self._versions(subject)
        SHOWN.again(self._connection, subject)
        return self._versions(subject) != before

    def claim(self, leave: Collection[str], lease_seconds: float) -> list[Claimed]:
        return claiming.claim(
            self._connection,
            BOX,
            limit=100,
            burst=100,
            left=dict.fromkeys(leave, 0),
            lease=uuid4(),
            lease_seconds=lease_seconds,
        )

    def note_attempts(self, lease: UUID, calls: Sequence[tuple[Claimed, Operation]]) -> None:
        claiming.note_attempts(self._connection, lease, calls)

    def complete(self, done: Sequence[Completion]) -> set[UUID]:
        effect_ids = completing.complete(self._connection, done)
        completing.wake(self._connection, BOX, [one for one in done if one.claimed.effect_id in effect_ids])
        return effect_ids

    def pending(self) -> set[UUID]:
        return {row[0] for row in self._connection.execute("SELECT effect_id FROM pending")}

    def status(self, effect_id: UUID) -> str:
        rows = self._connection.execute("SELECT status FROM effects WHERE effect_id = %s", (effect_id,))
        return str(rows.fetchall()[0][0])

    def _versions(self, subject: str) -> dict[str, int]:
        found = effect_store.of_subjects(self._connection, [subject]).get(subject, {})
        return {action: stored.desired_version for action, stored in found.items()}


@pytest.fixture(scope="module")
def connection(tables: str) -> Iterator[claiming.Connection]:
    url = conninfo(tables, schema="hand_clock,router,pg_catalog", application="tests", options=PLANS_BY_KEY)
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute(CLOCK_SQL)
        for months in range(0, 12, 2):
            set_clock(opened, EPOCH + timedelta(days=31 * months))
            ensure_partitions(opened)
        yield opened


@pytest.mark.parametrize("schedule", HARD.values(), ids=HARD)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_schedule_ends_well(connection: claiming.Connection, kind: str, schedule: list[Event]) -> None:
    DeliveryMachine(kind, Tables(connection)).run(schedule)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_schedules_end_on_the_tables_as_in_memory(connection: claiming.Connection) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(kind=st.sampled_from([*KINDS, "looks"]), schedule=SCHEDULES)
    def run(kind: str, schedule: list[Event]) -> None:
        DeliveryMachine(kind, Tables(connection)).run(schedule)

    run()
