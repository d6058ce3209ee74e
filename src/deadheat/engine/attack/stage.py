"""One scenario on one server: back to the start, the racers in some order or at once, a look at the end.

Owns the way to the initial state and what is observed. It must not judge. Values that are fresh for
every run (`{round}`) are written back as `{round}` in what was seen, so that runs can be compared.
"""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct, structs

from deadheat.engine.attack.courier import Courier, weight
from deadheat.engine.attack.hold import holdable
from deadheat.engine.attack.session import Sessions, refers
from deadheat.io import look
from deadheat.io.serve import Served
from deadheat.model import DeadheatError, Preparation, Racer, Request, Response, Round, Scenario, Shot
from deadheat.oracle import Observation
from deadheat.wire import Choice

State = tuple[tuple[str, str], ...]


class Trial(Struct, frozen=True):
    """One run of a scenario: what was seen, and how it was sent.

    `order` is that of a sequential run; `shots` go by racer; `round` is what a release looked like;
    `held` the racer that was held while the others ran, `forced` whether the hold held.
    """

    number: int
    observation: Observation
    requests: tuple[Request, ...]
    before: State = ()
    order: tuple[int, ...] = ()
    round: Round | None = None
    shots: tuple[tuple[int, Shot], ...] = ()
    held: int | None = None
    forced: bool = False
    reason: str = ""


class Stage:
    """A scenario, ready to be run again and again.

    Raises (from every run):
        TargetError: the server cannot be reached, or did not answer a request of the set-up.
        DeadheatError: a login, a set-up or a reset was refused.
        Spent: nothing more may be sent.
    """

    def __init__(
        self,
        courier: Courier,
        scenario: Scenario,
        sessions: Sessions,
        served: Served | None = None,
        *,
        look_before: bool = False,
    ) -> None:
        """Nothing is sent yet; `look_before` asks the probes before the racers too."""
        self.courier = courier
        self.scenario = scenario
        self.sessions = sessions
        self._served = served
        self._look_before = look_before
        self.racers: tuple[Racer, ...] = tuple(
            structs.replace(racer, count=1) for racer in scenario.racers for _ in range(racer.count)
        )
        self.number = 0
        self._latencies: dict[int, list[float]] = {}

    @property
    def resettable(self) -> bool:
        """Whether every run starts from the same state."""
        fresh = all(refers(racer.request, "round") for racer in self.racers)
        declared = self.scenario.reset_requests or self.scenario.setting.reset_command
        return bool(declared) or self._served is not None or fresh

    @property
    def comparable(self) -> bool:
        """Whether sequential runs can be compared with others: it starts over, or changes nothing.

        Safe methods (RFC 9110, section 9.2.1) are taken at their word; where one counts all the same,
        its numbers differ between identical runs and are renamed, and a number given twice still shows.
        """
        return self.resettable or all(racer.request.method in _SAFE for racer in self.racers)

    @property
    def latencies(self) -> tuple[float, ...]:
        """Seconds of each racer alone, as measured in sequential runs; 0 where none was."""
        return tuple(median(self._latencies.get(actor, [0.0])) for actor in range(len(self.racers)))

    @property
    def cost(self) -> int:
        """Requests of one run."""
        looks = len(self.scenario.probes) * (2 if self._look_before else 1)
        racers = weight([racer.request for racer in self.racers])
        return len(self.scenario.reset_requests) + len(self.scenario.setup) + racers + looks

    def sequential(self, order: Sequence[int]) -> Trial:
        """Run the racers one after the other; answers are listed by racer."""
        before, requests = self._start()
        shots = self.courier.in_turn(requests, order)
        for actor, shot in enumerate(shots):
            if shot.latency is not None:
                self._latencies.setdefault(actor, []).append(shot.latency)
        seen = tuple(enumerate(shots))
        trial = Trial(self.number, _NOTHING, requests, before, tuple(order), shots=seen)
        return self._end([shot.response for shot in shots], requests, trial)

    def concurrent(self, choice: Choice, offsets: Sequence[float] = ()) -> Trial:
        """Release the racers at once, or each at its offset."""
        before, requests = self._start()
        round_ = self.courier.race(requests, choice, offsets)
        answers = [shot.response for shot in round_.shots]
        trial = Trial(self.number, _NOTHING, requests, before, (), round_, tuple(enumerate(round_.shots)))
        return self._end(answers, requests, trial)

    def hold(self, parked: int) -> Trial:
        """Hold one racer behind its guards while the others run to their end in order."""
        before, requests = self._start()
        others = [actor for actor in range(len(requests)) if actor != parked]
        request = holdable(requests[parked])
        if isinstance(request, str):
            raise DeadheatError(request)
        result = self.courier.hold(request, [requests[actor] for actor in others], self.latencies[parked])
        shots: list[Shot | None] = [None] * len(requests)
        shots[parked] = result.held
        for actor, shot in zip(others, result.meanwhile, strict=False):
            shots[actor] = shot
        answers = [shot.response if shot else None for shot in shots]
        seen = tuple((actor, shot) for actor, shot in enumerate(shots) if shot is not None)
        trial = Trial(
            self.number, _NOTHING, requests, before, (), None, seen, parked, result.forced, result.reason
        )
        return self._end(answers, requests, trial)

    def _start(self) -> tuple[State, tuple[Request, ...]]:
        """Back to the initial state; gives what is seen there, and the racers as they go out."""
        self.number += 1
        if self._served is not None:
            self.courier.again()
            self.sessions.forget()
            self._served.restart()
        self.sessions.shared["round"] = f"r{self.sessions.start:x}n{self.number}"
        if self.scenario.setting.reset_command:
            look.command(self.scenario.setting.reset_command)
        self.sessions.log_in(self._names(), self.courier.prepare)
        for request in self.scenario.reset_requests:
            self.sessions.run(Preparation(request), self.courier.prepare)
        for step in self.scenario.preparations:
            self.sessions.run(step, self.courier.prepare, lenient=True)
        before = self._look() if self._look_before else ()
        return before, tuple(self.sessions.bound(racer.request) for racer in self.racers)

    def _names(self) -> list[str | None]:
        everything = (
            *(racer.request for racer in self.racers),
            *self.scenario.reset_requests,
            *self.scenario.setup,
            *self.scenario.probes,
        )
        return [request.principal for request in everything]

    def _end(self, answers: Sequence[Response | None], requests: tuple[Request, ...], trial: Trial) -> Trial:
        plain = tuple(None if answer is None else self._plain(answer) for answer in answers)
        return structs.replace(trial, observation=Observation(plain, self._look()), requests=requests)

    def _look(self) -> State:
        names = self.scenario.setting.names or tuple(str(probe) for probe in self.scenario.probes)
        seen: list[tuple[str, str]] = []
        for name, probe in zip(names, self.scenario.probes, strict=True):
            response = self.courier.ask(self.sessions.bound(probe))
            text = self._plain(response).text
            # A probe that fails must not look like a value.
            seen.append((name, text if response.status < 400 else f"{response.status} {text}".rstrip()))
        seen += [(probe.name, self._unfresh(look.query(probe))) for probe in self.scenario.setting.sql]
        seen += [(probe.name, self._unfresh(look.run(probe))) for probe in self.scenario.setting.commands]
        return tuple(seen)

    def _plain(self, response: Response) -> Response:
        fresh = self.sessions.shared.get("round", "")
        if not fresh or fresh.encode() not in response.body:
            return response
        return structs.replace(response, body=response.body.replace(fresh.encode(), b"{round}"))

    def _unfresh(self, text: str) -> str:
        return text.replace(self.sessions.shared.get("round", "\0"), "{round}")


_NOTHING = Observation(())
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
