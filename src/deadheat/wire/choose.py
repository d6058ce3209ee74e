"""Which release plan for which target: the rules, and the reason in words.

Owns the preference among plans. The measure is how many server reads the release needs: what fits
one TCP segment, one TLS record (RFC 8446, section 5.1) or one QUIC packet is decoded in one go. A
TLS record holds fourteen times what a datagram does, so HTTP/2 is preferred to HTTP/3.
"""

from collections.abc import Sequence

from msgspec import Struct

from deadheat.model import Gate, Origin, Request, TargetError, TargetFacts, Version
from deadheat.wire import carrier2, expect_continue, first_bytes, last_byte, whole
from deadheat.wire.plan import PEEK, ReleasePlan

RECORD = 16_384
"""Plaintext bytes of one TLS record at most."""

_BEHIND = f"a body of more than {PEEK} bytes without its last one waits between guards and handler"


_NAMES = {Version.H2: "HTTP/2", Version.H3: "HTTP/3"}


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
    version = next(v for v in (Version.H2, Version.H3, Version.H1) if v in facts.versions)
    bodies = sum(len(request.body) for request in requests)
    if version is not Version.H1 and Version.H1 in facts.versions and bodies > facts.window:
        narrow = (
            f"{bodies:,} bytes of bodies do not fit the {_NAMES[version]} window of {facts.window:,}, "
            "so HTTP/1.1, one connection each; "
        )
        return _over_http1(facts, requests, gate, narrow)
    if gate is Gate.HANDLER:
        return Choice(version, last_byte.PLAN, _BEHIND)
    if version is Version.H2:
        return _over_http2(facts, requests, origin)
    if version is Version.H3:
        return _over_http3(facts, requests, origin)
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


def _over_http3(facts: TargetFacts, requests: Sequence[Request], origin: Origin) -> Choice:
    from deadheat.wire import carrier3  # an extra: whoever spoke HTTP/3 has it

    room = facts.segment
    share = requests[: facts.streams or len(requests)]  # each connection has its own datagrams
    over = _connections(facts, len(requests))
    bodies = any(request.body for request in requests)
    # Whole requests in one datagram must still be decompressed between one start and the next:
    # measured, that is twice the spread of stream ends alone.
    plan = first_bytes.PLAN if bodies else last_byte.PLAN
    held = carrier3.size(share, plan, origin.named)
    if bodies and held > room:
        plan = last_byte.PLAN
        held = carrier3.size(share, plan, origin.named)
    if held <= room:
        because = f"what {plan.name} holds back ({held:,} bytes) fits one datagram"
    else:
        because = f"what {plan.name} holds back ({held:,} bytes) is {-(-held // room)} datagrams back to back"
    if bodies and plan is last_byte.PLAN:
        because += "; longer bodies wait behind their guards, so guards do not race"
    return Choice(Version.H3, plan, because + over)


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
