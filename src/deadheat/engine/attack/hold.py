"""Two-step holds: one request stands between its guards and its handler while others run to the end.

Owns which requests can be held there, and the account of a hold. On an unmodified server the last
byte of the body is the only handle: Rocket runs fairings and request guards once it has seen 14 body
bytes, and calls the handler when the data guard has read the last one. Whatever the guards found out
is old by then. The order is forced, not sampled: no window has to be hit.

Nothing on the wire says that the guards have run. A hold therefore waits for a multiple of what the
request takes alone, and can be contrasted with the same pair parked *before* the guards (`gate`
START): where the answers differ, the guards' result was used after the others had changed it.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from deadheat.io.release import Releaser
from deadheat.model import Gate, Request, Shot, TargetError
from deadheat.wire import PEEK, PLANS

_LEAST = 0.02  # seconds a hold waits at least
_TIMES = 2.0  # and how often the latency of the request alone
_JSON = ("application/json", "+json")


class Hold(Struct, frozen=True):
    """What came of a hold.

    `forced` says whether the order was what it was meant to be: the held request was still
    waiting when all the others had answered. `reason` says why it was not; `waited` is in
    seconds, from sending the request ahead until the others were sent.
    """

    held: Shot
    meanwhile: tuple[Shot, ...]
    gate: Gate
    waited: float
    forced: bool
    reason: str = ""


def holdable(request: Request) -> Request | str:
    """Give the request as it can be held between guards and handler, or why it cannot.

    A JSON body that is too short is padded with spaces, which mean nothing there (RFC 8259,
    section 2).
    """
    if request.message:
        return f"{request} is a message, which is handed on whole: nothing runs ahead of its end"
    short = PEEK + 1 - len(request.body)
    if short <= 0:
        return request
    if not request.body:
        return f"{request} has no body to withhold a byte of"
    kind = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    if any(kind.partition(";")[0].strip().lower().endswith(each) for each in _JSON):
        return replace(request, body=request.body + b" " * short)
    return f"the body of {request} is {len(request.body)} bytes, and {PEEK + 1} are needed to run its guards"


def hold(
    releaser: Releaser,
    request: Request,
    meanwhile: Sequence[Request],
    *,
    latency: float = 0.0,
    gate: Gate = Gate.HANDLER,
) -> Hold:
    """Hold `request` at `gate` while the others run to the end one after the other, then let it go.

    `latency` is what the request takes alone, in seconds: guards take no longer than that.

    Raises:
        TargetError: no connection for the held request; nothing was sent.
        ValueError: the request cannot be held there; `holdable` says why.
    """
    if gate is Gate.HANDLER and holdable(request) != request:
        raise ValueError(f"{request} cannot be held between guards and handler")
    plan = PLANS["last-byte" if gate is Gate.HANDLER else "first-bytes"]
    waited = max(_LEAST, _TIMES * latency)
    releaser.warm(1)
    held = releaser.park((request,), plan)
    shots: list[Shot] = []
    broken = ""
    still = held.wait(waited)
    try:
        while still and len(shots) < len(meanwhile):
            shots.append(releaser.ask(meanwhile[len(shots)]))
    except TargetError as error:
        broken = str(error)
    forced = still and not broken and held.waiting and all(shot.response is not None for shot in shots)
    shot = held.finish().shots[0]
    reason = "" if forced else broken or _reason(shot, shots, still)
    return Hold(shot, tuple(shots), gate, waited, forced, reason)


def _reason(held: Shot, meanwhile: Sequence[Shot], still: bool) -> str:
    if held.early:
        when = "before the others were sent" if not still else "while the others ran"
        return f"{held.request} was answered {when}: nothing waits for its body"
    if not still or held.response is None:
        return f"{held.request} was lost while it was held: {held.reason}"
    missing = next((shot for shot in meanwhile if shot.response is None), None)
    if missing is not None:
        return f"{missing.request} did not end while the other was held: {missing.reason}"
    return "the order could not be kept"
