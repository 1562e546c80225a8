"""How many connections the router keeps to an org."""

from services.router.destinations.salesforce import Settings, connect


class _Counting(Settings):
    """Says how many connections it was asked for, instead of opening them."""

    def open(self, *, connections: int, reserve_share: float) -> str:
        return f"{connections} connections, {reserve_share:.0%} kept for others"


def test_the_sync_has_a_connection_besides_those_of_the_calls() -> None:
    assert connect(_Counting(parallel_calls=3, reserve_share=0.1)) == "4 connections, 10% kept for others"
