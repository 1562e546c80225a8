"""SOQL comes from one module, values enter it escaped, and nothing else is ever asked."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.soql import parse
from services.router.salesforce import queries
from services.router.salesforce.contents import Person

ROUTER = Path(queries.__file__).parents[1]
LITERAL = {"fields", "conditions", "field", "kind", "column"}
"""What may enter a query as it is: names that the code or a checked file made."""

HOSTILE = [
    "x' OR Email != '",
    "x\\' OR IsActive = true --",
    "x' LIMIT 1 UNION SELECT Id FROM User",
    "x'\nOR Name LIKE '%",
    "\\",
    "x\\",
    "'",
    "''",
    "\\'",
    'x" OR "1"="1',
    "x'; DELETE FROM Account; --",
    "{0.__class__}",
    "{:literal}",
    "%' AND Email LIKE '%",
    "') OR (Id != '",
    "x')) OR Id IN (SELECT Id FROM User",
    "\u2019 OR Id != \u2019",
    "x\r\n' OR Id != '",
    "x\t\b\f'",
    "\x00' OR Id != '",
]

BUILDERS: dict[str, Callable[[str], str]] = {
    "users": queries.users,
    "record types": lambda value: queries.record_types("Case", value),
    "campaigns": queries.campaigns,
    "members": lambda value: queries.members(value, value),
    "contacts": lambda value: queries.contacts(
        [Person(person_key=value, customer_id=value, email=value)],
        customer_id="Customer_Id__c",
        responded_at="Feedback_Responded_At__c",
    ),
    "accounts": lambda value: queries.accounts(
        [value], [value], account_id="Account_Id__c", responded_at=None
    ),
    "case": queries.case_named,
    "case state": queries.case_state,
    "open cases": lambda value: queries.cases_of([value]),
    "latest cases": queries.latest_cases,
    "integration user": queries.integration_user,
    "comments": queries.comments,
    "carrying": lambda value: queries.carrying("Case", value),
    "people": lambda value: queries.people([value]),
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
def test_a_value_stays_a_value(build: Callable[[str], str], hostile: str) -> None:
    harmless, attacked = parse(build("harmless")), parse(build(hostile))

    assert [one.field for one in attacked.conditions] == [one.field for one in harmless.conditions]
    assert [one.operator for one in attacked.conditions] == [one.operator for one in harmless.conditions]
    assert (attacked.fields, attacked.object_name, attacked.order, attacked.limit) == (
        harmless.fields,
        harmless.object_name,
        harmless.order,
        harmless.limit,
    )
    values = [value for one in attacked.conditions for value in one.values]
    assert values == [
        hostile if value == "harmless" else value for one in harmless.conditions for value in one.values
    ]


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(ROUTER.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def test_soql_is_written_in_one_module_only() -> None:
    elsewhere = [
        f"{path.name}:{node.lineno}"
        for path, tree in sources()
        if path.name != "queries.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("SELECT ")
        and any(f"FROM {kind}" in node.value for kind in ("Case", "Contact", "User", "Account", "Task"))
    ]
    assert elsewhere == []


def test_every_query_is_asked_in_words_of_that_module() -> None:
    asked = 0
    for path, tree in sources():
        if "salesforce" not in str(path.relative_to(ROUTER)):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr not in {"query", "query_all", "query_all_iter", "ask"}:
                continue
            asked += 1
            (question,) = node.args
            built = isinstance(question, ast.Call) and ast.unparse(question.func).startswith("queries.")
            named = isinstance(question, ast.Name) and question.id == "soql"
            assert built or named, f"{path}:{node.lineno}: {ast.unparse(question)}"
    assert asked > 3


def test_that_module_lets_nothing_past_the_escaping_but_names() -> None:
    tree = ast.parse(Path(queries.__file__).read_text())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.JoinedStr), "an f-string"
        by_hand = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)
        assert not by_hand, f"put together by hand: {ast.unparse(node)}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ":literal" in node.value:
            named = {part.split("{")[-1] for part in node.value.split(":literal")[:-1]}
            assert named <= LITERAL | {""}, f"queries.py:{node.lineno}: {named - LITERAL}"
