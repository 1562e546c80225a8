"""Puts up the app's home tab: reads the follow-ups, publishes the view."""

from pydantic import JsonValue

from runtime.postgres import Pool
from services.router import follow_up_store
from services.router.follow_up import FollowUp
from services.router.follow_up_store import Wish
from services.router.people import People, Person, view_of
from services.router.slack import store
from services.router.slack.home import MOST_SHOWN, Row, home, permalink, unknown
from services.router.slack.workspace import Workspace, tolerated

_SECONDS = 5
_PATIENCE_SECONDS = 2.0


class HomeTab:
    """The home tabs of everybody who has opened theirs."""

    def __init__(self, *, pool: Pool, people: People, workspace: Workspace) -> None:
        self._pool = pool
        self._people = people
        self._workspace = workspace
        self._opened: set[str] = set()

    def publish(self, user: str, who: Person | None) -> None:
        """Put it up for somebody."""
        self._opened.add(user)
        with tolerated("home tab"):
            view = self._view(who) if who else unknown("people.yaml does not know you: ask to be added.")
            self._workspace.client(_SECONDS).views_publish(user_id=user, view=view)

    def refresh(self, user: str, who: Person) -> None:
        """Put it up anew for somebody who has opened it since we started."""
        if user in self._opened:
            self.publish(user, who)

    def _view(self, who: Person) -> dict[str, JsonValue]:
        with self._pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            mine = follow_up_store.find(connection, Wish(owner=who.id), limit=MOST_SHOWN + 1)
            of_team = follow_up_store.find(
                connection, Wish(teams=self._people.teams_of(who), not_owner=who.id), limit=MOST_SHOWN + 1
            )
            cards = store.cards_of(connection, [it.subject for it in (*mine, *of_team)])
        url = self._workspace.url(_SECONDS)

        def row(it: FollowUp) -> Row:
            card = cards.get(it.subject)
            link = permalink(url, card.external_id) if url and card and card.external_id else None
            return Row(view_of(it, self._people), card.content if card else None, link)

        return home([row(it) for it in mine], [row(it) for it in of_team])
