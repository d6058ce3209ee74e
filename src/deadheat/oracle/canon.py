"""Canonical outcomes: what of two executions must be equal for them to be the same.

Owns the question "is this difference a difference?". Identifiers and timestamps differ between
two identical sequential runs and say nothing; a counter that differs says everything. So what
is unstable is *learned* from identical sequential runs, never guessed:

- a token that differs between identical runs is first renamed by first occurrence across all
  answers and the state jointly (`#1`, `#2`), so that a duplicated identifier stays visible;
- where even that does not make identical runs equal, the token is masked (`•`), and the report
  prints that it was: what is masked is not compared.

This is the masking step of Line-Up (Burckhardt et al., PLDI 2010) for HTTP answers.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from msgspec import Struct

from deadheat.model import Outcome, Response

_TOKEN = re.compile(r"[0-9A-Za-z_]+(?:[-.:+][0-9A-Za-z_]+)*|\s+|.", re.DOTALL)
_MASK = "•"
_LOCATION = "location"
_EVENTS = "text/event-stream"
_MOST = 4096  # outcomes remembered


class Observation(Struct, frozen=True):
    """What one execution showed: an answer per racer (None: none came) and named values."""

    responses: tuple[Response | None, ...]
    state: tuple[tuple[str, str], ...] = ()


class _Field(Struct, frozen=True, order=True):
    """A place whose text is compared; token counts tell layouts of one place apart."""

    place: str
    tokens: int


@dataclass
class Canon:
    """Learns from identical sequential runs; then gives canonical outcomes."""

    _renamed: set[tuple[_Field, int]] = field(default_factory=set)
    _masked: set[tuple[_Field, int]] = field(default_factory=set)
    _opaque: set[str] = field(default_factory=set)
    _known: dict[Observation, Outcome] = field(default_factory=dict)

    def learn(self, runs: Sequence[Observation]) -> None:
        """Learn what is unstable from runs of the same requests in the same order."""
        self._known.clear()
        runs = [_compared(run) for run in runs]
        tokens = [dict(_fields(run)) for run in runs]
        for place in {place for run in tokens for place in run}:
            versions = [run.get(place, []) for run in tokens]
            if len({len(version) for version in versions}) > 1:
                self._opaque.add(place)
                continue
            key = _Field(place, len(versions[0]))
            for index, words in enumerate(zip(*versions, strict=True)):
                if len(set(words)) > 1:
                    self._renamed.add((key, index))
        while True:
            canonical = [dict(self._canonical(run)) for run in runs]
            clashes = set(_clashes(canonical)) - self._masked
            if not clashes:
                return
            self._masked |= clashes

    @property
    def stable(self) -> bool:
        """Whether something is left to compare: not every answer is masked whole."""
        return not any(place.startswith("answer") for place in self._opaque)

    @property
    def unstable(self) -> bool:
        """Whether anything differed between identical runs."""
        return bool(self._renamed or self._masked or self._opaque)

    @property
    def masked(self) -> tuple[str, ...]:
        """What is not compared, in words."""
        whole = {f"{place}: whole" for place in self._opaque}
        parts = {
            f"{key.place}: word {index + 1}" for key, index in self._masked if key.place not in self._opaque
        }
        return tuple(sorted(whole | parts))

    def outcome(self, observation: Observation) -> Outcome:
        """Give the canonical outcome of an execution."""
        compared = _compared(observation)
        known = self._known.get(compared)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[compared] = self._outcome(compared)
        return known

    def _outcome(self, observation: Observation) -> Outcome:
        texts = {place: "".join(words) for place, words in self._canonical(observation).items()}
        return Outcome(
            tuple(
                texts[_answer(actor)] if response else "no answer"
                for actor, response in enumerate(observation.responses)
            ),
            tuple((name, texts[_state(name)]) for name, _ in observation.state),
        )

    def _canonical(self, observation: Observation) -> dict[str, list[str]]:
        names: dict[str, str] = {}
        result: dict[str, list[str]] = {}
        for place, words in _fields(observation):
            if place in self._opaque:
                result[place] = [_MASK]
                continue
            key = _Field(place, len(words))
            out = list(words)
            for index, word in enumerate(words):
                if (key, index) in self._masked:
                    out[index] = _MASK
                elif (key, index) in self._renamed:
                    out[index] = names.setdefault(word, f"#{len(names) + 1}")
            result[place] = out
        return result


def _clashes(runs: Sequence[Mapping[str, Sequence[str]]]) -> Iterator[tuple[_Field, int]]:
    for place in runs[0] if runs else ():
        versions = [run[place] for run in runs if place in run]
        key = _Field(place, len(versions[0]))
        for index, words in enumerate(zip(*versions, strict=False)):
            if len(set(words)) > 1:
                yield key, index


def _compared(observation: Observation) -> Observation:
    return Observation(tuple(map(_told, observation.responses)), observation.state)


@lru_cache(_MOST)
def _told(response: Response | None) -> Response | None:
    """Leave what `_fields` reads: dates and the like would make every answer a new one."""
    if response is None:
        return None
    kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    body = _events(response.body) if kind.startswith(_EVENTS) else response.body
    return Response(response.status, tuple(h for h in response.headers if h[0].lower() == _LOCATION), body)


def _events(body: bytes) -> bytes:
    """Leave what a client is told of a stream of events.

    Comments are ignored by it (HTML Standard, section 9.2.6): servers send them when nothing happens for
    a while, and for how long nothing does is for the schedule to say.
    """
    lines = [line for line in body.splitlines() if not line.startswith(b":")]
    told = (line for line, before in zip(lines, [b"", *lines], strict=False) if line or before)
    return b"\n".join(told).rstrip()


def _answer(actor: int) -> str:
    return f"answer {chr(ord('A') + actor)}"


def _state(name: str) -> str:
    return f"state {name}"


def _fields(observation: Observation) -> Iterator[tuple[str, list[str]]]:
    """Give the tokens of every compared place: status, redirect target and body; then state."""
    for actor, response in enumerate(observation.responses):
        if response is not None:
            location = [value for name, value in response.headers if name.lower() == _LOCATION]
            text = " ".join([str(response.status), *location, response.text]).rstrip()
            yield _answer(actor), _TOKEN.findall(text)
    for name, value in observation.state:
        yield _state(name), _TOKEN.findall(value)
