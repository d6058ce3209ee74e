"""Places in source where a request can be held: what the reader found, for the probes to use."""

from enum import StrEnum

from msgspec import Struct

from deadheat.model.source import AccessKind
from deadheat.model.span import Span


class SiteKind(StrEnum):
    """The syntactic and semantic kind of a site; it decides the form of the probe."""

    LOCK = "lock"  # exclusive acquisition: Mutex::lock, RwLock::write, and their tokio kin
    LOCK_SHARED = "lock-shared"  # shared acquisition: RwLock::read
    LOCK_UPGRADABLE = "lock-upgradable"  # shared, and may become exclusive: RwLock::upgradable_read
    MAP = "map"  # exclusive access to a part of a map whose parts have locks: DashMap::insert, get_mut
    MAP_SHARED = "map-shared"  # shared access to such a part: DashMap::get
    TRY_LOCK = "try-lock"  # acquisition that never waits
    ATOMIC = "atomic"  # an atomic operation
    CALL = "call"  # any other access to shared state through a method call
    SEND = "send"  # a message goes into a tokio mpsc channel
    RECEIVE = "receive"  # the receiver of such a channel asks for the next message
    WAIT = "wait"  # a future that waits until somebody else says a word: Notify::notified, Barrier::wait
    BUILD = "build"  # `rocket::build()`, `Rocket::custom(…)`: where the runtime attaches
    STATEMENT = "statement"  # a statement is sent to a database
    COMMIT = "commit"  # a transaction ends by `tx.commit()`
    COMMIT_BLOCK = "commit-block"  # a closure whose end commits the transaction it was given
    FILE = "file"  # a file is looked at or changed
    EXTERNAL = "external"  # another service is asked
    SPAWN_FUTURE = "spawn-future"  # spawn(future)
    SPAWN_CLOSURE = "spawn-closure"  # spawn_blocking(closure), thread::spawn(closure)


class Site(Struct, frozen=True):
    """One call expression, with the byte ranges a pure insertion needs.

    Byte offsets are into the file, end exclusive: `call` is the whole call expression from
    its receiver (or path) to the closing parenthesis, without a trailing `.await`;
    `receiver` is None for a path call; `arguments` are the ranges of the arguments.
    `effect` is what the step does for dependency: READ or WRITE (an exclusive acquisition is
    a WRITE). `receiver_is_place` says that the receiver is an expression of identifiers, borrowing calls,
    fields, `self` and dereferences only, so that evaluating it twice changes nothing;
    `rooted` that this place lives as long as the application (a field of a managed state or
    a static, reached without a call); `wide` that the step may touch more than `state` (a join, a
    transaction's snapshot), `writer` that it needs its database's only writer lock, where there is one,
    `inside` that a transaction then keeps that lock;
    `domain` names what has no finer identity than itself (all files: two paths may be one file).
    """

    file: str
    function: str
    kind: SiteKind
    span: Span
    call: tuple[int, int]
    receiver: tuple[int, int] | None
    arguments: tuple[tuple[int, int], ...]
    method: str
    operation: str = ""
    effect: AccessKind = AccessKind.WRITE
    state: str | None = None
    receiver_is_place: bool = False
    rooted: bool = False
    nested_calls: bool = False
    wide: bool = False
    writer: bool = False
    inside: bool = False
    domain: str = ""
