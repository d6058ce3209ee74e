"""What a server speaks, found by speaking to it.

Owns the probing that a release plan is chosen by. It opens a connection for each version of HTTP,
and sends one request, to a path that does not exist, to see whether it answers
`Expect: 100-continue`. HTTP/3 is tried when it is asked for, or when the answer offers it on the
same port (RFC 7838) and the server speaks no HTTP/2, which would be preferred.
"""

import re

from msgspec.structs import replace

from deadheat.io.allow import Allow
from deadheat.io.lane import Lane
from deadheat.io.quic import QuicLane, installed
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Response, TargetError, TargetFacts, Version
from deadheat.wire import PLANS, Carrier2

_NOWHERE = Request("POST", "/deadheat-asks-for-nothing", body=b"0")


def probe(
    origin: Origin,
    allow: Allow | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    timeout: float = 3.0,
    only: Version | None = None,
) -> TargetFacts:
    """Find out what `origin` speaks; `headers` go with the one request sent.

    `only` HTTP/3 asks for nothing else: a server need not listen on TCP at all.

    Raises:
        TargetError: it is not permitted, cannot be reached, or speaks nothing that we speak.
    """
    facts = TargetFacts(origin.tls, ())
    if only is Version.H3:
        return _over_http3(facts, origin, allow, timeout)
    refusals = []
    offered = False
    for version in (Version.H2, Version.H1):
        with Releaser(origin, version, allow, deadline=timeout, patience=1.0) as releaser:
            try:
                releaser.warm(1)
                if version is Version.H1:
                    facts, response = _over_http1(facts, releaser, replace(_NOWHERE, headers=headers))
                    offered = offers(response, origin.port)
                else:
                    facts = _over_http2(facts, releaser.lanes[0])
            except TargetError as error:
                refusals.append(str(error))
    if offered and Version.H2 not in facts.versions and origin.tls and installed():
        try:
            facts = _over_http3(facts, origin, allow, timeout)
        except TargetError as error:
            refusals.append(str(error))
    if not facts.versions:
        raise TargetError(refusals[-1])
    return facts


def offers(response: Response, port: int) -> bool:
    """Whether an answer offers HTTP/3 on the same host and port."""
    alternatives = ",".join(value for name, value in response.headers if name.lower() == "alt-svc")
    return any(int(found) == port for found in re.findall(r'\bh3=":(\d{1,5})"', alternatives))


def _over_http1(facts: TargetFacts, releaser: Releaser, request: Request) -> tuple[TargetFacts, Response]:
    lane = releaser.lanes[0]
    spoken = replace(facts, segment=lane.segment, round_trip=lane.round_trip)
    shot = releaser.round((request,), PLANS["continue"]).shots[0]
    if shot.response is None:
        raise TargetError(f"{releaser.origin} does not answer over HTTP/1.1: {shot.reason}")
    versions = (*facts.versions, Version.H1)
    return replace(spoken, versions=versions, continues=shot.parked), shot.response


def _over_http3(facts: TargetFacts, origin: Origin, allow: Allow | None, timeout: float) -> TargetFacts:
    """HTTP/3 comes first: it is tried where it is preferred."""
    with Releaser(origin, Version.H3, allow, deadline=timeout) as releaser:
        releaser.warm(1)
        lane = releaser.lanes[0]
        if not isinstance(lane, QuicLane):
            raise TypeError("not an HTTP/3 connection")
        return replace(
            facts,
            versions=(Version.H3, *facts.versions),
            streams=lane.streams,
            window=lane.window,
            segment=lane.segment,
            round_trip=lane.round_trip,
        )


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
