"""Nothing is sent ahead: the whole request is the release.

On HTTP/2 this is the tightest release there is for requests without a body: a HEADERS frame that
ends its stream (RFC 9113, section 8.1) is a whole request, and once one block has filled the
dynamic table of HPACK (RFC 7541, section 2.3.2) the same request is some twenty bytes. As many as
fit one TCP segment, or one TLS record, reach the server's parser in one read; the idea of the
single-packet attack (J. Kettle, *Smashing the state machine*, 2023) without anything to send
ahead. On HTTP/1.1 it only says that nothing is synchronised.
"""

from deadheat.model import Gate
from deadheat.wire.plan import ReleasePlan

PLAN = ReleasePlan(
    "whole",
    "every request goes out whole at the release",
    cut=lambda body: None,
    gate=lambda body: Gate.CLIENT,
)
