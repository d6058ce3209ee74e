"""Who waits for whom is read off the history."""

from deadheat.model import AccessKind, Event, EventKind, History
from deadheat.report.deadlock import cycle, stuck, waits


def history(
    *events: tuple[int, str, str], access: AccessKind = AccessKind.WRITE, **rest: tuple[int, ...]
) -> History:
    made = tuple(
        Event(seq, 0.0, actor, EventKind(kind), None, state, access)
        for seq, (actor, kind, state) in enumerate(events)
    )
    return History(events=made, **rest)  # type: ignore[arg-type]


def test_inversion() -> None:
    found = waits(
        history((0, "step", "a"), (1, "step", "b"), (0, "blocked", "b"), (1, "blocked", "a"), stuck=(0, 1))
    )
    assert [(wait.actor, wait.state, wait.holders) for wait in found] == [(0, "b", (1,)), (1, "a", (0,))]
    assert cycle(found) == (0, 1)


def test_a_request_that_waits_for_itself() -> None:
    found = waits(history((0, "step", "a"), (0, "blocked", "a"), stuck=(0,)))
    assert cycle(found) == (0,)


def test_one_that_only_waits_is_not_in_the_cycle() -> None:
    found = waits(history((1, "step", "a"), (1, "blocked", "a"), (0, "blocked", "a")))
    assert stuck(history((1, "step", "a"), (1, "blocked", "a"), (0, "blocked", "a"))) == (0, 1)
    assert cycle(found) == (1,)


def test_an_unseen_holder_is_not_invented() -> None:
    found = waits(history((0, "blocked", "a"), stuck=(0,)))
    assert found[0].holders == ()
    assert cycle(found) == ()


def test_who_finished_holds_nothing() -> None:
    found = waits(history((1, "step", "a"), (1, "answer", "a"), (0, "blocked", "a"), stuck=(0,)))
    assert found[0].holders == ()


def test_shared_holders_are_all_named() -> None:
    found = waits(
        history(
            (0, "step", "a"),
            (1, "step", "a"),
            (0, "blocked", "a"),
            (1, "blocked", "a"),
            stuck=(0, 1),
            access=AccessKind.READ,
        )
    )
    assert found[0].holders == (0, 1)
