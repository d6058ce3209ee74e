"""A second process finds what this one would."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deadheat.engine import judged
from deadheat.io.beside import second_core
from deadheat.rust import read
from tests.rust.test_kept import FILES, tree


def test_rules_beside_find_what_rules_here_find(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    here = judged.judge(read(tree(FILES)), lambda: done.append("here"))
    monkeypatch.setattr(judged, "_WORTHWHILE", 0)
    beside = judged.judge(read(tree(FILES)), lambda: done.append("beside"))
    assert beside == here
    assert [finding.rule for finding in here.findings] == ["check-then-act"]
    assert done == ["here", "beside"]


@pytest.mark.skipif(not second_core(), reason="there is no second core, or forking is not safe here")
def test_a_second_process_that_fails_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def failing(_: Callable[[], bytes]) -> Iterator[Callable[[], bytes | None]]:
        yield lambda: None

    here = judged.judge(read(tree(FILES)), lambda: None)
    monkeypatch.setattr(judged, "_WORTHWHILE", 0)
    monkeypatch.setattr(judged, "beside", failing)
    assert judged.judge(read(tree(FILES)), lambda: None) == here
