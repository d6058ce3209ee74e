"""First bytes: the header section and at most 13 body bytes go ahead.

Rocket 0.5 waits for 14 body bytes, or the end of the body, before it runs as much as a fairing: a
request with a body parked at 13 stands before its guards, and its guards race too. Other servers
look at the header section first; there it parks wherever they wait for the body.
"""

from deadheat.wire.plan import PEEK, ReleasePlan, parked_before_guards

PLAN = ReleasePlan(
    "first-bytes",
    f"the headers and at most {PEEK - 1} body bytes go ahead, the rest of the body is the release",
    cut=lambda body: min(PEEK - 1, max(body - 1, 0)),
    gate=parked_before_guards,
)
