"""Which release plan for which target: the rules, and the reason in words.

Owns the preference among plans. The measure is how many server reads the release needs: what fits
one TCP segment, or one TLS record (RFC 8446, section 5.1), is decoded in one go.
"""

from collections.abc import Sequence

from msgspec import Struct

from deadheat.model import Gate, Origin, Request, TargetError, TargetFacts, Version
from deadheat.wire import carrier2, expect_continue, first_bytes, last_byte, whole
from deadheat.wire.plan import PEEK, ReleasePlan

RECORD = 16_384
"""Plaintext bytes of one TLS record at most."""

_BEHIND = f"a body of more than {PEEK} bytes without its last one waits between guards and handler"


class Choice(Struct, frozen=True):
    """A version of HTTP, a release plan, and why these."""

    version: Version
    plan: ReleasePlan
    because: str

    def __str__(self) -> str:
        """As `--via` takes it."""
        return f"{self.version}/{self.plan.name}"


def choose(
    facts: TargetFacts, requests: Sequence[Request], origin: Origin, gate: Gate = Gate.START
) -> Choice:
    """Choose how to release `requests`; `gate` HANDLER asks to park them behind their guards.

    Raises:
        TargetError: the server speaks no version of HTTP that we do.
    """
    if not facts.versions:
        raise TargetError(f"{origin} answers neither HTTP/1.1 nor HTTP/2")
    if Version.WS in facts.versions:
        because = "a message is complete with the last byte of its frame"
        return Choice(Version.WS, last_byte.PLAN, because)
    version = Version.H2 if Version.H2 in facts.versions else Version.H1
    bodies = sum(len(request.body) for request in requests)
    if version is Version.H2 and Version.H1 in facts.versions and bodies > facts.window:
        narrow = (
            f"{bodies:,} bytes of bodies do not fit the HTTP/2 window of {facts.window:,}, "
            "so HTTP/1.1, one connection each; "
        )
        return _over_http1(facts, requests, gate, narrow)
    if gate is Gate.HANDLER:
        return Choice(version, last_byte.PLAN, _BEHIND)
    if version is Version.H2:
        return _over_http2(facts, requests, origin)
    return _over_http1(facts, requests, gate, "the server speaks no HTTP/2; ")


def _over_http2(facts: TargetFacts, requests: Sequence[Request], origin: Origin) -> Choice:
    room, unit = (RECORD, "one TLS record") if facts.tls else (facts.segment, "one TCP segment")
    sizes = {
        plan.name: carrier2.size(requests, plan, origin.named, origin.scheme)
        for plan in (whole.PLAN, first_bytes.PLAN, last_byte.PLAN)
    }
    over = _connections(facts, len(requests))
    bodies = any(request.body for request in requests)
    plan = whole.PLAN
    if sizes[plan.name] <= room:
        because = f"{len(requests)} whole requests are {sizes[plan.name]:,} bytes and fit {unit}"
        return Choice(Version.H2, plan, because + over)
    plan = first_bytes.PLAN if bodies else last_byte.PLAN
    if sizes[plan.name] <= room:
        because = (
            f"whole requests ({sizes['whole']:,} bytes) do not fit {unit}, "
            f"what {plan.name} holds back ({sizes[plan.name]:,}) does"
        )
        return Choice(Version.H2, plan, because + over)
    because = f"the least to send at the release ({sizes['last-byte']:,} bytes)"
    if bodies:
        because += "; longer bodies wait behind their guards, so guards do not race"
    return Choice(Version.H2, last_byte.PLAN, because + over)


def _over_http1(facts: TargetFacts, requests: Sequence[Request], gate: Gate, because: str) -> Choice:
    if gate is Gate.HANDLER:
        return Choice(Version.H1, last_byte.PLAN, because + _BEHIND)
    if not any(request.body for request in requests):
        return Choice(Version.H1, last_byte.PLAN, because + "without bodies the last byte is held")
    if facts.continues:
        parked = "it confirms with 100 Continue that it parked"
        return Choice(Version.H1, expect_continue.PLAN, because + parked)
    looks = f"it sends no 100 Continue; at {PEEK - 1} body bytes Rocket has run no guard yet"
    return Choice(Version.H1, first_bytes.PLAN, because + looks)


def _connections(facts: TargetFacts, racers: int) -> str:
    if facts.streams is None or racers <= facts.streams:
        return ""
    if facts.streams == 0:
        return "; the server admits no stream now"
    return f"; over {-(-racers // facts.streams)} connections of {facts.streams} streams each"
