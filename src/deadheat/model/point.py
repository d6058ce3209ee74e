"""Probe points: the places of one build at which a request can be held."""

from msgspec import Struct

from deadheat.model.source import AccessKind
from deadheat.model.span import Span


class Point(Struct, frozen=True):
    """One probe.

    `id` is its number in this build (from 1); `identity` (`function#operation(state)[n]`)
    survives edits elsewhere and other builds; `state` is the id of the `SharedState` touched,
    None when the reader could not tell, and `resource` numbers these states from 1 (0: unknown, may
    be any); `effect` READ or WRITE is what its step does, as far
    as dependency is concerned; `operation` is what the source calls it (`Mutex::lock`).
    """

    id: int
    identity: str
    span: Span
    state: str | None
    effect: AccessKind
    operation: str = ""
    resource: int = 0
