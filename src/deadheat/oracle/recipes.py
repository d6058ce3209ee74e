"""Known families of races: what each is, and the invariants that tell it.

Owns this table; command line, configuration and documentation read it. It must not know requests.
The families are those of J. Kettle, *Smashing the state machine* (2023), and of OWASP's testing
guide; the invariants speak of answers alone, so that they hold on any server.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from deadheat.model import Impact, Severity


class Recipe(Struct, frozen=True):
    """A family: its words, the invariants it brings, how bad it is, and how it is mended."""

    name: str
    words: str
    invariants: tuple[str, ...]
    severity: Severity
    impact: tuple[Impact, ...]
    fix: str


_ALL = (
    Recipe(
        "limit-overrun",
        "something that may happen so often happens more often",
        ("successes <= limit",),
        Severity.HIGH,
        (Impact.DATA_CORRUPTION,),
        "check and act in one step: a conditional UPDATE that tells whether it changed a row, or one lock",
    ),
    Recipe(
        "single-use-token",
        "a code, voucher or link that is good once is good twice",
        ("successes <= 1",),
        Severity.HIGH,
        (Impact.DATA_CORRUPTION,),
        "take the token and mark it as used in one statement; only who changed a row goes on",
    ),
    Recipe(
        "multi-endpoint",
        "two endpoints that together leave what neither order leaves",
        (),
        Severity.HIGH,
        (Impact.INCONSISTENT_STATE,),
        "let both endpoints take the same lock, or the same row FOR UPDATE, for the whole of their work",
    ),
    Recipe(
        "partial-construction",
        "an object is seen, and used, before it is finished",
        (),
        Severity.HIGH,
        (Impact.INCONSISTENT_STATE, Impact.AUTHORIZATION_BYPASS),
        "make the object visible last, in one step",
    ),
    Recipe(
        "rate-limit",
        "more attempts get through than the limit allows",
        ("answers.filter(a, a.status != 429).size() <= limit",),
        Severity.HIGH,
        (Impact.AUTHORIZATION_BYPASS,),
        "count the attempt before the work, in one atomic step, and give it back if it was none",
    ),
    Recipe(
        "session",
        "one user is served another user's answer",
        (),
        Severity.CRITICAL,
        (Impact.AUTHORIZATION_BYPASS,),
        "keep what belongs to a request in the request, never in shared state",
    ),
    Recipe(
        "idempotency-key",
        "one idempotency key does its work twice",
        ("answers.filter(a, a.ok).map(a, a.body).distinct().size() <= 1",),
        Severity.HIGH,
        (Impact.DATA_CORRUPTION,),
        "insert the key under a unique constraint before the work; who loses waits for the winner's answer",
    ),
    Recipe(
        "duplicate-signup",
        "two accounts for what must be unique",
        ("successes <= 1",),
        Severity.HIGH,
        (Impact.DATA_CORRUPTION, Impact.INCONSISTENT_STATE),
        "a unique constraint, and the error it gives answered as a conflict",
    ),
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})
