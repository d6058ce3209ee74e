"""Last-byte sync: everything goes ahead but what ends the message.

The server has read and parsed the request by the time of the release. On HTTP/1.1 what remains is
one byte a connection: the technique of Turbo Intruder's threaded engine (J. Kettle, *Smashing the
state machine*, 2023, section "HTTP/1.1"); without a body it is the line feed of the blank line that
ends the header section (RFC 9112, section 2.1). On HTTP/2 it is one DATA frame with END_STREAM
(RFC 9113, section 6.1) and the last body byte, or none: ten bytes a racer, so that more than a
thousand racers fit one TLS record of 16,384 bytes (RFC 8446, section 5.1). On HTTP/3 it is one
STREAM frame with FIN (RFC 9000, section 19.8) of five to nine bytes: more than a hundred racers fit
one datagram of 1,200, and of more the datagrams follow back to back.

Where it parks depends on the body: Rocket runs fairings and request guards as soon as it has seen
14 body bytes, and the handler once a data guard has read the end. A longer body therefore stands
between its guards and its handler.
"""

from deadheat.model import Gate
from deadheat.wire.plan import PEEK, ReleasePlan

PLAN = ReleasePlan(
    "last-byte",
    "everything goes ahead but the last byte (HTTP/2 and HTTP/3: the end of the stream)",
    cut=lambda body: max(body - 1, 0),
    gate=lambda body: Gate.HANDLER if body - 1 >= PEEK else Gate.START,
)
