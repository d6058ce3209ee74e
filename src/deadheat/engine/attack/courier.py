"""Sends what an attack sends: one by one, together, or one held while others run to their end.

Owns that everything goes through the allowance, carries the identifying header, and stays on one
origin: a redirect to elsewhere is never followed. How a release is timed is `io.release`'s.

HTTP goes over connections that stay warm. WebSockets are opened for one run and closed after it:
what a server keeps with a connection would otherwise carry over from run to run.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

from msgspec import structs

from deadheat import __version__
from deadheat.engine.attack.allowance import Allowance
from deadheat.engine.attack.greeting import Greetings
from deadheat.engine.attack.hold import Hold, hold
from deadheat.io.allow import Allow
from deadheat.io.facts import probe
from deadheat.io.release import Releaser
from deadheat.model import (
    DeadheatError,
    Gate,
    Origin,
    Request,
    Response,
    Round,
    Shot,
    TargetError,
    TargetFacts,
    Version,
)
from deadheat.model.config import Limits
from deadheat.wire import PLANS, Choice, choose

HEADER = ("x-deadheat", __version__)
"""Goes with every request, so that whoever reads the server's log knows what this is."""

_REDIRECTS = 5


class Courier:
    """Connections to one origin, warm from round to round; use it as a context."""

    def __init__(self, origin: Origin, allow: Allow, limits: Limits, via: str = "auto") -> None:
        """Nothing is sent yet.

        Raises:
            DeadheatError: `via` is nothing that can be sent by.
        """
        self.origin = origin
        self.limits = limits
        self._allow = allow
        self._version, self._plan = _via(via)
        self._releasers: dict[Version, Releaser] = {}
        self._greetings = Greetings()
        self.allowance = Allowance(limits.requests, limits.rate, self._pause)
        self.facts: TargetFacts | None = None

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go what is held, and close."""
        self.close()

    def survey(self) -> TargetFacts:
        """Find out what the server speaks.

        Raises:
            TargetError: not permitted, not reachable, no HTTP.
        """
        if self.facts is None:
            self.allowance.take(1)
            self.facts = probe(self.origin, self._allow, (HEADER,), only=self._version)
        return self.facts

    def choice(self, requests: Sequence[Request], gate: Gate = Gate.START) -> Choice:
        """How these requests are going to be released, and why."""
        facts = self.survey()
        version = self._version
        if all(request.message for request in requests):
            if Version.H1 not in facts.versions:
                raise TargetError(f"{self.origin} speaks no HTTP/1.1, over which WebSockets are opened")
            facts = structs.replace(facts, versions=(Version.WS,))
        elif version is not None and version is not Version.WS:  # `ws` says nothing of what is no message
            if version not in facts.versions:
                spoken = ", ".join(facts.versions)
                raise TargetError(f"{self.origin} does not speak {version}; it speaks {spoken}")
            facts = structs.replace(facts, versions=(version,))
        chosen = choose(facts, requests, self.origin, gate)
        if self._plan is not None and gate is not Gate.HANDLER:
            return Choice(chosen.version, PLANS[self._plan], "--via asks for it")
        return chosen

    def ask(self, request: Request) -> Response:
        """Send one request and await its answer; redirects are not followed.

        Raises:
            TargetError: it was not answered.
            Spent: nothing more may be sent.
        """
        shot = self._shot(request, self.choice((request,)).version)
        if shot.response is None:
            raise TargetError(f"{request} was not answered: {shot.reason}")
        return shot.response

    def in_turn(self, requests: Sequence[Request], order: Sequence[int]) -> tuple[Shot, ...]:
        """Send requests one after the other, in `order`, as a release would send them together.

        The accounts are in the order of `requests`. WebSockets are all opened before the first message,
        as they are for a release: nothing but the overlap of messages is to differ.
        """
        version = self.choice(requests).version
        if version is not Version.WS:
            found = {number: self._shot(requests[number], version) for number in order}
            return tuple(found[number] for number in range(len(requests)))
        self.allowance.take(weight(requests))
        with self._opened(version) as releaser:
            held = [releaser.park((_marked(each),), PLANS["whole"]) for each in requests]
            self._greetings.awaited(releaser, requests)
            found = {number: held[number].finish().shots[0] for number in order}
        for shot in found.values():
            self.allowance.heard(shot.response)
        return tuple(structs.replace(found[at], request=each) for at, each in enumerate(requests))

    def _shot(self, request: Request, version: Version) -> Shot:
        self.allowance.take(1)
        shot = self._kept(version).ask(_marked(request))
        self.allowance.heard(shot.response)
        return structs.replace(shot, request=request)

    def prepare(self, request: Request) -> Response:
        """Send a request of a login or a set-up; redirects are followed on this origin.

        Raises:
            TargetError: not answered, or redirected to another host, which is refused.
        """
        asked = request
        for _ in range(_REDIRECTS):
            response = self.ask(asked)
            location = _header(response, "location")
            if response.status not in {301, 302, 303, 307, 308} or location is None:
                return response
            place = urljoin(f"{self.origin}{asked.target}", location)
            if not self._here(place):
                raise TargetError(f"{asked} redirects to another host ({place}), which is refused")
            target = place.split("/", 3)[3] if place.count("/") > 2 else ""
            # An answer to a login is looked at for its cookies; where it leads is another page.
            if any(name.lower() == "set-cookie" for name, _ in response.headers):
                return response
            keep = response.status in {307, 308}
            asked = structs.replace(
                asked,
                target=f"/{target}",
                method=asked.method if keep else "GET",
                body=asked.body if keep else b"",
            )
        raise TargetError(f"{request} redirects in circles")

    def _here(self, place: str) -> bool:
        try:
            there = Origin.of(place)
        except TargetError:
            return False
        return (there.scheme, there.host, there.port) == (
            self.origin.scheme,
            self.origin.host,
            self.origin.port,
        )

    def race(self, requests: Sequence[Request], choice: Choice, offsets: Sequence[float] = ()) -> Round:
        """Release requests together, or each at its offset in seconds."""
        self.allowance.take(weight(requests))
        marked = [_marked(each) for each in requests]
        if choice.version is not Version.WS:
            return self._heard(self._kept(choice.version).round(marked, choice.plan, offsets), requests)
        with self._opened(choice.version) as releaser:
            held = releaser.park(marked, choice.plan, offsets)
            self._greetings.awaited(releaser, requests)
            return self._heard(held.finish(), requests)

    def hold(self, parked: Request, others: Sequence[Request], latency: float) -> Hold:
        """Park one request behind its guards, run the others to their end, then let it go."""
        self.allowance.take(1 + len(others))
        releaser = self._kept(self.choice((parked, *others), Gate.HANDLER).version)
        return hold(releaser, _marked(parked), [_marked(each) for each in others], latency=latency)

    def again(self) -> None:
        """Drop every connection: the server was started anew."""
        while self._releasers:
            self._releasers.popitem()[1].close()

    def close(self) -> None:
        """Let go what is held, and close."""
        self.again()

    def _kept(self, version: Version) -> Releaser:
        """The connections of one version that stay open."""
        if version not in self._releasers:
            self._releasers[version] = self._opened(version)
        return self._releasers[version]

    def _opened(self, version: Version) -> Releaser:
        return Releaser(self.origin, version, self._allow, deadline=self.limits.deadline)

    def _heard(self, round_: Round, requests: Sequence[Request]) -> Round:
        for shot in round_.shots:
            self.allowance.heard(shot.response)
        shots = zip(round_.shots, requests, strict=True)
        return structs.replace(
            round_, shots=tuple(structs.replace(shot, request=request) for shot, request in shots)
        )

    def _pause(self, seconds: float) -> None:
        if self._releasers:
            next(iter(self._releasers.values())).wait(seconds)
            return
        with self._opened(Version.H1) as nothing:
            nothing.wait(seconds)


def weight(requests: Sequence[Request]) -> int:
    """How many requests these are to a server: a message takes the opening of its WebSocket too."""
    return sum(2 if request.message else 1 for request in requests)


def _marked(request: Request) -> Request:
    return structs.replace(request, headers=(*request.headers, HEADER))


def _header(response: Response, name: str) -> str | None:
    return next((value for key, value in response.headers if key.lower() == name), None)


def _via(text: str) -> tuple[Version | None, str | None]:
    """`auto`, a version, a plan, or VERSION/PLAN."""
    version: Version | None = None
    plan: str | None = None
    for part in text.split("/"):
        if part in {each.value for each in Version}:
            version = Version(part)
        elif part in PLANS:
            plan = part
        elif part != "auto":
            known = ", ".join(["auto", *Version, *PLANS])
            raise DeadheatError(f"--via {text}: nothing is called {part!r}; known are {known}")
    return version, plan
