"""Shared state that requests can be held at: a value behind a lock.

Owns the lock and the value. It must not know who holds requests or why: it is told through
`PROBE`, a context variable, because a coroutine does not otherwise know whose request it serves.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from copy import deepcopy
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Guard(Generic[T]):
    """The value, while the lock is held."""

    def __init__(self, mutex: "Mutex[T]") -> None:
        self._mutex = mutex

    @property
    def value(self) -> T:
        """The value itself."""
        return self._mutex.content

    @value.setter
    def value(self, new: T) -> None:
        self._mutex.content = new


class Mutex(Generic[T]):
    """A value that is reached under its lock alone, as by Rust's `Mutex`."""

    def __init__(self, content: T) -> None:
        self.content = content
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def lock(self, point: int) -> AsyncIterator[Guard[T]]:
        """Acquire the lock, after the probe `point`: a request may be held right before it."""
        if (probe := PROBE.get()) is not None:
            await probe(point, self)
        async with self._lock:
            yield Guard(self)

    @property
    def free(self) -> bool:
        """Whether the lock could be acquired at once."""
        return not self._lock.locked()

    def look(self) -> str:
        """The value as text; empty while it is locked, when it may be half changed."""
        return repr(self.content) if self.free else ""

    def keep(self) -> T:
        """A copy of the value."""
        return deepcopy(self.content)

    def put(self, content: T) -> bool:
        """Put a kept value back; False while it is locked."""
        if self.free:
            self.content = deepcopy(content)
            return True
        return False


Probe = Callable[[int, Mutex[Any]], Awaitable[None]]

PROBE: ContextVar[Probe | None] = ContextVar("PROBE", default=None)
"""What to await before a step, None for a request that is never held."""
