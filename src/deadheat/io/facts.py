"""What a server speaks, found by speaking to it.

Owns the probing that a release plan is chosen by. It opens a connection for each version of HTTP,
and sends one request, to a path that does not exist, to see whether it answers
`Expect: 100-continue`.
"""

from msgspec.structs import replace

from deadheat.io.allow import Allow
from deadheat.io.lane import Lane
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, TargetError, TargetFacts, Version
from deadheat.wire import PLANS, Carrier2

_NOWHERE = Request("POST", "/deadheat-asks-for-nothing", body=b"0")


def probe(
    origin: Origin,
    allow: Allow | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    timeout: float = 3.0,
) -> TargetFacts:
    """Find out what `origin` speaks; `headers` go with the one request sent.

    Raises:
        TargetError: it is not permitted, cannot be reached, or speaks nothing that we speak.
    """
    facts = TargetFacts(origin.tls, ())
    refusals = []
    for version in (Version.H2, Version.H1):
        with Releaser(origin, version, allow, deadline=timeout, patience=1.0) as releaser:
            try:
                releaser.warm(1)
                if version is Version.H1:
                    facts = _over_http1(facts, releaser, replace(_NOWHERE, headers=headers))
                else:
                    facts = _over_http2(facts, releaser.lanes[0])
            except TargetError as error:
                refusals.append(str(error))
    if not facts.versions:
        raise TargetError(refusals[-1])
    return facts


def _over_http1(facts: TargetFacts, releaser: Releaser, request: Request) -> TargetFacts:
    lane = releaser.lanes[0]
    spoken = replace(facts, segment=lane.segment, round_trip=lane.round_trip)
    shot = releaser.round((request,), PLANS["continue"]).shots[0]
    if shot.response is None:
        raise TargetError(f"{releaser.origin} does not answer over HTTP/1.1: {shot.reason}")
    return replace(spoken, versions=(*facts.versions, Version.H1), continues=shot.parked)


def _over_http2(facts: TargetFacts, lane: Lane) -> TargetFacts:
    if not isinstance(lane.carrier, Carrier2):
        raise TypeError("not an HTTP/2 connection")
    limits = lane.carrier.limits
    return replace(
        facts,
        versions=(Version.H2,),
        streams=limits.streams,
        window=limits.connection,
        segment=lane.segment,
        round_trip=lane.round_trip,
    )
