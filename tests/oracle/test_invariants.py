"""Invariants in CEL: what they see, what breaks them, and where one does not parse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Ok, Unknown
from deadheat.oracle.invariants import Answer, Broken, Facts, Invariant, InvariantError, judge_all
from deadheat.oracle.recipes import RECIPES

TWICE = Facts(
    (
        Answer(200, '{"paid": 10}', (("Location", "/a"),), 0, "ada", "redeem"),
        Answer(200, '{"paid": 10}', racer=1),
    ),
    state=(("stock", "-1"), ("GET /journal", "a\nb")),
    before=(("stock", "1"),),
    alone=(1, 1),
)


@pytest.mark.parametrize(
    "source",
    [
        "successes == 2",
        "answers.all(a, a.ok)",
        "answers.exists(a, a.principal == 'ada' && a.group == 'redeem')",
        "sum(answers.map(a, a.json.paid)) == 20",
        "answers.map(a, a.body).distinct().size() == 1",
        "state.stock < before.stock",
        "state['GET /journal'].contains('b')",
        "answers[0].headers.location == '/a'",
        "limit == 1 && max(alone) == 1 && n == 2",
    ],
)
def test_what_an_invariant_sees(source: str) -> None:
    assert Invariant(source).judge(TWICE) == Ok()


@pytest.mark.parametrize("source", ["successes <= limit", "state.stock >= 0", "successes <= max(alone)"])
def test_what_does_not_hold_is_broken(source: str) -> None:
    assert Invariant(source).judge(TWICE) == Broken(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("state.missing == 1", "nothing is called 'missing'"),
        ("answers", "neither true nor false"),
        ("state.stock + 1.0 > 0.0", "CEL does not"),
        ("sum(answers.map(a, a.body)) == 0", "a list of numbers"),
        ("1 / 0 == 1", "division by zero"),
    ],
)
def test_what_cannot_be_evaluated_is_unknown(source: str, words: str) -> None:
    verdict = Invariant(source).judge(TWICE)
    assert isinstance(verdict, Unknown)
    assert words in verdict.reason


def test_a_limit_that_nobody_knows_is_unknown() -> None:
    facts = Facts((Answer(200), Answer(200)))
    assert isinstance(Invariant("successes <= limit").judge(facts), Unknown)
    assert isinstance(Invariant("successes <= limit").judge(Facts(facts.answers, limit=2)), Ok)


@pytest.mark.parametrize(
    ("source", "column"), [("successes <= 1 &&", 18), ("succeses <= 1", 1), ("n == 2 && nn == 2", 11)]
)
def test_a_mistake_is_pointed_at(source: str, column: int) -> None:
    with pytest.raises(InvariantError) as caught:
        Invariant(source)
    assert caught.value.column == column
    assert f"character {column}" in caught.value.message
    assert caught.value.message.splitlines()[-1] == " " * (4 + column - 1) + "^"


def test_all_are_asked() -> None:
    invariants = [Invariant("successes <= 1"), Invariant("n == 2"), Invariant("state.x == 1")]
    broken, unknown = judge_all(invariants, TWICE)
    assert broken == (Broken("successes <= 1"),)
    assert len(unknown) == 1


@given(st.text(max_size=40))
def test_no_text_does_anything_but_compile_or_be_refused(source: str) -> None:
    try:
        invariant = Invariant(source)
    except InvariantError:
        return
    assert isinstance(invariant.judge(TWICE), Ok | Broken | Unknown)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_recipes_compile(recipe: object) -> None:
    for source in RECIPES[str(getattr(recipe, "name", ""))].invariants:
        Invariant(source)
