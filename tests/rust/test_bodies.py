"""Bodies read on two sides tell what one side would have told, in its order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deadheat.io.beside import beside, second_core
from deadheat.rust import bodies, read
from tests.rust.test_kept import FILES, MAIN, told, tree


@contextmanager
def here(work: Callable[[], bytes]) -> Iterator[Callable[[], bytes | None]]:
    yield work


@contextmanager
def failing(_: Callable[[], bytes]) -> Iterator[Callable[[], bytes | None]]:
    yield lambda: None


STRAIGHT = FILES | {"src/main.rs": MAIN.replace(b"    ping(n, seats);\n", b"")}


@pytest.mark.parametrize("files", [STRAIGHT, FILES], ids=["straight", "a cycle"])
@pytest.mark.parametrize("second", [here, failing], ids=["a second side", "one that fails"])
def test_two_sides_tell_what_one_tells(
    files: dict[str, bytes], second: bodies.Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_WORTHWHILE", 0)
    one, two = read(tree(files)), read(tree(files), second)
    assert list(two.summaries) == list(one.summaries)
    assert told(two) == told(one)


@pytest.mark.skipif(not second_core(), reason="there is no second core, or forking is not safe here")
def test_a_second_process_gives_its_bytes_or_nothing() -> None:
    with beside(lambda: b"x" * 300_000) as result:
        assert result() == b"x" * 300_000
    with beside(lambda: bytes(-1)) as result:
        assert result() is None
    with beside(lambda: b"never asked for"):
        pass
