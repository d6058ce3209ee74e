"""Bytes on the wire, without a socket: framing, and which bytes are held back until the release.

Owns what is sent in which piece. It must not know when the pieces go out nor over what: `io`
does. A release plan is one file here with a `split`, and one line in `PLANS`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from deadheat.wire import last_byte, whole
from deadheat.wire.http1 import Exchange
from deadheat.wire.plan import ReleasePlan, Split

PLANS: Mapping[str, ReleasePlan] = MappingProxyType(
    {
        "whole": whole.split,
        "last-byte": last_byte.split,
    }
)

__all__ = ["PLANS", "Exchange", "ReleasePlan", "Split"]
