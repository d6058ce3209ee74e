"""Expect: 100-continue: the server itself says that it has parked the request.

The header section goes ahead with `Expect: 100-continue` (RFC 9110, section 10.1.1); a server that
is going to read the body answers 100 (section 15.2.1), and from then on it waits for the body, all
of which is the release. On Rocket the 100 comes from the first look at the body, before the guards,
and also on routes that do not exist. A request without a body must not carry the header: it is
released by its last byte.
"""

from deadheat.wire.plan import ReleasePlan, parked_before_guards

PLAN = ReleasePlan(
    "continue",
    "the headers go ahead, the server confirms with 100 Continue, the whole body is the release",
    cut=lambda body: 0,
    gate=parked_before_guards,
    expect=True,
)
