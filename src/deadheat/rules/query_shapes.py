"""The shapes of statement pairs, and the pair itself.

Owns the vocabulary that the database rules share. It must not know how pairs are found.
"""

from enum import StrEnum

from msgspec import Struct

from deadheat.rust import Event, Place, Root


class Shape(StrEnum):
    """What kind of pair it is."""

    LOST_UPDATE = "lost-update"
    STALE_ROW = "stale-row"
    FIND_INSERT = "find-insert"
    CONFLICT_PANIC = "conflict-panic"
    COUNT_INSERT = "count-insert"
    CHECK_ACT = "check-act"
    GET_SET = "get-set"
    DUAL_WRITE = "dual-write"
    DELETE_INSERT = "delete-insert"
    IGNORED_COUNT = "ignored-count"
    LAST_ROW = "last-row"
    MAX_PLUS_ONE = "max-plus-one"


class Pair(Struct, frozen=True):
    """Two statements of one root; `others` are the roots that can get in between."""

    shape: Shape
    root: Root
    state: Place
    check: Event
    act: Event
    proven: bool = True
    benign: bool = False
    transaction: bool = False
    others: tuple[Root, ...] = ()
    detail: str = ""
