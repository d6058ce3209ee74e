"""Bytes on the wire, without a socket: framing, and which bytes are held back until the release.

Owns what is sent in which piece. It must not know when the pieces go out nor over what: `io`
does. A release plan is one file here with a `PLAN`, and one line in `PLANS`; a version of HTTP is
one carrier.
"""

from collections.abc import Mapping
from types import MappingProxyType

from deadheat.model import Origin, Version
from deadheat.wire import expect_continue, first_bytes, last_byte, whole
from deadheat.wire.carrier import Answered, Begun, Carrier, Event, Lost, Parked, Prepared
from deadheat.wire.carrier1 import Carrier1
from deadheat.wire.carrier2 import Carrier2
from deadheat.wire.carrierw import CarrierW
from deadheat.wire.choose import Choice, choose
from deadheat.wire.http1 import Exchange
from deadheat.wire.plan import PEEK, ReleasePlan, Split
from deadheat.wire.repeats import Practised, Repeats

PLANS: Mapping[str, ReleasePlan] = MappingProxyType(
    {
        plan.name: plan
        for plan in (
            whole.PLAN,
            last_byte.PLAN,
            first_bytes.PLAN,
            expect_continue.PLAN,
        )
    }
)


def carrier(version: Version, origin: Origin) -> Carrier:
    """Give a new connection of `version` to `origin`, without its socket.

    HTTP/3 is not among them: `carrier3.Carrier3` takes an extra, a configuration and a clock.
    """
    if version is Version.H2:
        return Carrier2(origin.named, origin.scheme)
    if version is Version.WS:
        return CarrierW(origin.named)
    return Carrier1(origin.named)


__all__ = [
    "PEEK", "PLANS", "Answered", "Begun", "Carrier", "Carrier1", "Carrier2", "CarrierW", "Choice",
    "Event", "Exchange", "Lost", "Parked", "Practised", "Prepared", "ReleasePlan",
    "Repeats", "Split", "carrier", "choose",
]  # fmt: skip
