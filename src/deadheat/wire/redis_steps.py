"""Commands as steps: what is held, what goes together, what a reply belongs to.

Sans-io. Owns the state of one connection, as its two directions tell it. It must not know requests
nor sockets. A step is a command that touches a key, WATCH, or EXEC, which stands for all that was
queued since MULTI; where a transaction comes in one piece it is one unit, so that nothing of another
request, on a connection that requests share, gets into it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from deadheat.wire.redis import Command, Frame
from deadheat.wire.redis_commands import Access, Effect, accesses, digest, effect, refusal, script_of

_MESSAGES = frozenset(
    {b"message", b"pmessage", b"smessage", b"subscribe", b"psubscribe", b"ssubscribe", b"unsubscribe",
     b"punsubscribe", b"sunsubscribe"}
)  # fmt: skip
_PASSING = re.compile(
    rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|(?<![0-9A-Za-z])[0-9a-f]{16,}|\d+",
    re.IGNORECASE,
)
_SHOWN = 4


@dataclass
class Unit:
    """Commands that go to the server together, and what they touch as one step."""

    raw: bytes
    names: tuple[str, ...]
    replies: int
    """How many the server gives."""
    is_step: bool
    touches: tuple[Access, ...] = ()

    @property
    def statement(self) -> str:
        """The commands in words, with what passes (numbers, random names) left out of the keys."""
        keys = [shape(access.key) for access in self.touches if access.key is not None]
        return " ".join([*self.names, *dict.fromkeys(keys[:_SHOWN])])


def shape(key: bytes) -> str:
    """Give a key without what passes: the same for `session:5f…` and `session:08…`."""
    return _PASSING.sub("…".encode(), key).decode("utf-8", "replace")


@dataclass
class Session:
    """One connection; feed both directions in the order in which they come."""

    scripts: dict[str, bytes] = field(default_factory=dict)
    """The scripts that the server knows, by their SHA-1; may be shared between connections."""
    unsupported: str = ""
    """Why what happens here cannot be explored, empty if it can."""
    queueing: bool = False
    """Whether a transaction was begun that has not ended: the connection is leased."""
    quits: bool = False
    """Whether the client asked the server to close."""
    _listens: bool = False
    _watched: list[Access] = field(default_factory=list)
    _queued: list[Command] = field(default_factory=list)

    def units(self, commands: Sequence[Command]) -> list[Unit]:
        """Give what came in one go as units, in order."""
        found: list[Unit] = []
        index = 0
        while index < len(commands):
            end = index + 1
            if not self.queueing and commands[index].name == "MULTI":
                end = next((at + 1 for at in range(index, len(commands)) if commands[at].name == "EXEC"), end)
            found.append(self._unit(commands[index:end]))
            index = end
        return found

    def is_message(self, frame: Frame) -> bool:
        """Whether it answers no command: a push (RESP3), or what a channel says (RESP2)."""
        if frame.is_push:
            return True
        return self._listens and frame.kind == "*" and bool(frame.items) and frame.items[0].text in _MESSAGES

    def _unit(self, commands: Sequence[Command]) -> Unit:
        touched: list[Access] = []
        step, replies = False, 0
        for command in commands:
            kind = effect(command)
            script = script_of(command)
            if script is not None:
                self.scripts[digest(script)] = script
            self.unsupported = self.unsupported or refusal(command)
            self.quits = self.quits or command.name == "QUIT"
            replies += kind is not Effect.LISTEN
            if kind is Effect.EXEC:
                touched = [*self._watched, *self._touched(self._queued)]
                step = step or bool(touched)
                self._end()
            elif kind is Effect.DISCARD and (command.name == "DISCARD" or not self.queueing):
                self._end()
            elif self.queueing:
                self._queued.append(command)
            elif kind is Effect.MULTI:
                self.queueing = True
            elif kind is Effect.LISTEN:
                self._listens = True
            elif kind in {Effect.TOUCH, Effect.WATCH}:
                step = True
                touched += accesses(command, self.scripts)
                if kind is Effect.WATCH:
                    self._watched += accesses(command)
        names = tuple(dict.fromkeys(command.name for command in commands))
        raw = b"".join(command.raw for command in commands)
        return Unit(raw, names, replies, step, tuple(dict.fromkeys(touched)))

    def _touched(self, commands: Iterable[Command]) -> list[Access]:
        touching = [command for command in commands if effect(command) is Effect.TOUCH]
        return [access for command in touching for access in accesses(command, self.scripts)]

    def _end(self) -> None:
        self.queueing = False
        self._queued.clear()
        self._watched.clear()
