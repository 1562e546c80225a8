from sandbox.faults import Double, FaultBoard, FaultRequest, Kind


def order(**changes: object) -> FaultRequest:
    return FaultRequest.model_validate({"double": "slack", "kind": "drop_answer", **changes})


def struck(board: FaultBoard, calls: int, operation: str = "chat.postMessage") -> list[bool]:
    return [board.draw(Double.SLACK, operation) is not None for _ in range(calls)]


def test_a_fault_ends_when_its_count_is_used_up() -> None:
    board = FaultBoard()
    fault = board.add(order(count=2))
    assert struck(board, 4) == [True, True, False, False]
    assert (fault.hits, fault.spent) == (2, True)


def test_the_same_seed_strikes_the_same_calls() -> None:
    runs = []
    for _ in range(2):
        board = FaultBoard()
        board.add(order(probability=0.3, seed=7))
        runs.append(struck(board, 200))
    assert runs[0] == runs[1]
    assert 30 < sum(runs[0]) < 90


def test_other_doubles_and_operations_go_through_and_consume_no_draw() -> None:
    board, other = FaultBoard(), FaultBoard()
    for one in (board, other):
        one.add(order(probability=0.5, operations=["chat."], seed=1))
    for _ in range(20):
        assert board.draw(Double.MAIL, "message") is None
        assert board.draw(Double.SLACK, "auth.test") is None
    assert struck(board, 50) == struck(other, 50)


def test_the_first_fault_that_strikes_wins() -> None:
    board = FaultBoard()
    board.add(order(kind="hang", count=1))
    board.add(order(kind="server_error"))
    drawn = [board.draw(Double.SLACK, "x") for _ in range(2)]
    assert [fault and fault.kind for fault in drawn] == [Kind.HANG, Kind.SERVER_ERROR]


def test_a_lifted_fault_strikes_no_more() -> None:
    board = FaultBoard()
    fault = board.add(order())
    assert board.remove(fault.fault_id)
    assert not board.remove(fault.fault_id)
    assert struck(board, 3) == [False, False, False]
