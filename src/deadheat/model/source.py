"""What a review of the source knows: handlers, shared states, accesses, windows."""

from enum import StrEnum

from msgspec import Struct

from deadheat.model.span import Span


class ParameterKind(StrEnum):
    """Where Rocket takes a handler's parameter from."""

    STATE = "state"
    PATH = "path"
    QUERY = "query"
    DATA = "data"
    GUARD = "guard"


class Parameter(Struct, frozen=True):
    """One parameter of a handler: its name, the Rust type as written, where it comes from.

    `fields` are the (name, type) pairs of a form or JSON struct, when the type resolves to one
    in the project; `format` says how a data guard decodes the body: json, form, text, bytes.
    """

    name: str
    type: str
    kind: ParameterKind
    fields: tuple[tuple[str, str], ...] = ()
    format: str | None = None


class Guard(Struct, frozen=True):
    """A request guard of a handler: its type, and where its implementation is, if ours."""

    type: str
    span: Span | None = None


class Handler(Struct, frozen=True):
    """A function that Rocket calls for a request.

    `id` is `crate::module::function`; `route` is the mounted path template such as
    `/coupons/redeem/<code>`; `method` is upper case. `mounted` is False for a route attribute
    that no `routes!`/`mount` makes live.
    """

    id: str
    method: str
    route: str
    span: Span
    guards: tuple[Guard, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    mounted: bool = True
    is_async: bool = False

    @property
    def name(self) -> str:
        """The bare function name."""
        return self.id.rsplit("::", 1)[-1]

    @property
    def endpoint(self) -> str:
        """What a person calls it: `POST /redeem/<code>`."""
        return f"{self.method} {self.route}"


class StateKind(StrEnum):
    """What kind of thing is shared."""

    MUTEX = "mutex"
    RWLOCK = "rwlock"
    ATOMIC = "atomic"
    MAP = "map"
    ROW = "row"
    DOCUMENT = "document"
    CACHE = "cache"
    FILE = "file"
    CHANNEL = "channel"
    STATIC = "static"
    EXTERNAL = "external"


class SharedState(Struct, frozen=True):
    """A piece of state that more than one request can reach.

    `path` is what a person calls it (`ActiveUsers.count`, `COUNTER`, `coupons.used`); `id` is
    its module-qualified identity; `type` the Rust type as written.
    """

    id: str
    kind: StateKind
    path: str
    type: str = ""
    span: Span | None = None


class AccessKind(StrEnum):
    """What an access does to its state."""

    READ = "read"
    WRITE = "write"
    RMW = "rmw"
    ACQUIRE = "acquire"
    RELEASE = "release"
    BEGIN = "begin"
    COMMIT = "commit"


class Under(Struct, frozen=True):
    """What protects an access: locks held (state ids), a transaction, a predicate."""

    locks: tuple[str, ...] = ()
    transaction: str | None = None
    predicate: str | None = None


class Access(Struct, frozen=True):
    """One access of one handler to one shared state.

    `span` is the call or expression in the source, `operation` what it is called there
    (`Mutex::lock`, `AtomicU32::load`, `*guard += …`); `via` are the call sites between the
    handler and a helper that makes the access, outermost first; `key` is the symbolic key for
    keyed state (the map key or row key, as an expression), None where there is none. `inside` is
    where the access itself is, when `span` is only the call of a helper that leads to it.
    """

    handler: str
    state: str
    kind: AccessKind
    span: Span
    operation: str = ""
    under: Under = Under()
    via: tuple[Span, ...] = ()
    key: str | None = None
    inside: Span | None = None

    @property
    def home(self) -> Span:
        """Where the access itself is, however it is reached: a probe goes there."""
        return self.inside or self.span


class Window(Struct, frozen=True):
    """From a check to the act that relies on it: where another request can get in.

    `awaits` counts the `.await` points between them; `width` is the measured width in
    milliseconds, None until something measured it.
    """

    check: Access
    act: Access
    awaits: int = 0
    width: float | None = None


class Review(Struct, frozen=True):
    """The inventory: who touches what, where, and under which lock.

    `skipped` names the files (with the reason) that could not be read or parsed: they are
    *not tested*, and reports say so.
    """

    handlers: tuple[Handler, ...] = ()
    states: tuple[SharedState, ...] = ()
    accesses: tuple[Access, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    files: int = 0
    lines: int = 0
    rocket: str | None = None
