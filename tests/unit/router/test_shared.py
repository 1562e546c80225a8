from services.router.facts import Facts, ProfileFacts
from services.router.shared import once_an_answer


def test_what_actions_of_an_answer_show_alike_is_made_once_and_not_for_the_next_answer() -> None:
    made: list[str] = []

    @once_an_answer
    def greeting(facts: Facts, word: str) -> str:
        made.append(word)
        return f"{word} {facts.profile.name}"

    first, equal = (Facts(profile=ProfileFacts(key="key", name="Anna")) for _ in range(2))
    other = Facts(profile=ProfileFacts(key="other", name="Ben"))

    assert [greeting(first, "Hello"), greeting(first, "Hello"), greeting(first, "Dear")] == [
        "Hello Anna",
        "Hello Anna",
        "Dear Anna",
    ]
    assert made == ["Hello", "Dear"]
    assert greeting(other, "Hello") == "Hello Ben"
    assert greeting(equal, "Hello") == "Hello Anna"
    assert made == ["Hello", "Dear", "Hello", "Hello"]
