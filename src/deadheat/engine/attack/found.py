"""From a violating run to a finding a person can act on.

Pure. Owns the words: which rule, what is raced, what an attack's evidence looks like. How often it
happened is told by trials with their interval; how it happened by the answers in the order they came.
"""

import hashlib
import shlex
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct, structs

from deadheat.engine.attack.nulls import answer_text
from deadheat.engine.attack.stage import Trial
from deadheat.engine.routes import handler_of
from deadheat.model import (
    Confidence,
    Event,
    EventKind,
    Evidence,
    Finding,
    Fix,
    Handler,
    History,
    Impact,
    Operation,
    Outcome,
    Proof,
    Racer,
    Review,
    Safety,
    Scenario,
    Schedule,
    Severity,
    SharedState,
    Snapshot,
    Span,
    StateKind,
    Trials,
    Violation,
)
from deadheat.oracle import wilson
from deadheat.oracle.recipes import RECIPES
from deadheat.rules import RULES

_MOST_RACERS = 6
_MOST_KINDS = 3


class Counts(Struct, frozen=True):
    """How often: `violated` of `total` runs, after `controls` sequential ones that behaved."""

    violated: int
    total: int
    controls: int = 0


def finding(
    scenario: Scenario,
    racers: tuple[Racer, ...],
    trial: Trial,
    violation: Violation,
    counts: Counts,
    *,
    rule: str,
    proof: Proof,
    message: str = "",
    again: str = "",
    alone: int | None = None,
    review: Review | None = None,
) -> Finding:
    """The finding that a violating trial is evidence of.

    `alone` is the most requests that succeeded one by one, None when that is not known.
    """
    about = RULES[rule]
    recipe = RECIPES.get(scenario.setting.recipe or "")
    handlers = handlers_of(racers, review)
    path = _state(violation, racers)
    at = next((handler.span for handler in handlers if handler is not None), Span("", 1, 1, 1, 1))
    names = tuple(
        dict.fromkeys(
            handler.id if handler else _endpoint(racer)
            for handler, racer in zip(handlers, racers, strict=True)
        )
    )
    shape = "|".join([rule, scenario.setting.recipe or "", *sorted(names), path])
    few = _shown(trial, racers)
    shown = structs.replace(
        scenario,
        racers=tuple(
            Racer(request, handler.id if handler else _endpoint(racer))
            for request, handler, racer in zip(trial.requests, handlers, racers, strict=True)
        ),
    )
    succeeded = sum(a is not None and a.status < 400 for a in trial.observation.responses)
    overrun = alone is not None and succeeded > alone
    title = recipe.words if recipe else about.title
    if recipe is None and overrun and rule == "non-serializable-outcome":
        title = f"{succeeded} succeed at once, one by one {alone}"
    shown_verdict = _compact(violation)
    fixes = about.fixes
    if recipe is not None and rule != "sequential-violation":
        fixes = (Fix(recipe.fix, Safety.UNSAFE),)
    return Finding(
        rule=rule,
        code=about.code,
        title=f"{title} ({scenario.name})",
        severity=recipe.severity if recipe else Severity.HIGH if overrun else about.severity,
        confidence=Confidence.HIGH,
        state=SharedState(path, StateKind.EXTERNAL, path),
        handlers=names,
        location=at,
        message=message or shown_verdict.explanation,
        fingerprint=hashlib.sha256(shape.encode()).hexdigest(),
        proof=proof,
        cwe=about.cwe,
        impact=recipe.impact if recipe else (Impact.DATA_CORRUPTION,) if overrun else about.impact,
        evidence=Evidence(
            scenario=shown,
            schedule=Schedule(),
            schedule_id="",
            history=history(trial, few),
            verdict=shown_verdict,
            trials=Trials(counts.violated, counts.total, wilson(counts.violated, counts.total)),
            serial_controls=counts.controls,
            again=again,
        ),
        fixes=fixes,
    )


def handlers_of(racers: Sequence[Racer], review: Review | None) -> tuple[Handler | None, ...]:
    """The handler of each racer, where the source is known."""
    known = review.handlers if review else ()
    return tuple(handler_of(racer.request, known) for racer in racers)


def history(trial: Trial, actors: Sequence[int]) -> History:
    """What went out and came back, in the order it did; milliseconds from the first byte."""
    times: list[tuple[int, int, EventKind, str]] = []
    by_actor = dict(trial.shots)
    operations = []
    for actor in actors:
        shot = by_actor.get(actor)
        if shot is None:
            continue
        times.append((shot.released, actor, EventKind.SEND, str(shot.request)))
        if shot.last is not None:
            times.append((shot.last, actor, EventKind.ANSWER, answer_text(shot.response)))
    times.sort(key=lambda each: each[0])
    start = times[0][0] if times else 0
    events = tuple(
        Event(seq, (at - start) / 1e6, actor, kind, text=text)
        for seq, (at, actor, kind, text) in enumerate(times)
    )
    for actor in actors:
        mine = [event for event in events if event.actor == actor]
        if mine:
            returned = next((e.seq for e in mine if e.kind is EventKind.ANSWER), None)
            answer = trial.observation.responses[actor]
            operations.append(Operation(actor, actor, trial.requests[actor], mine[0].seq, returned, answer))
    return History(tuple(operations), events, Snapshot(trial.observation.state))


def command(base: str, names: Sequence[str], extra: Sequence[str] = ()) -> str:
    """The command line that attacks again."""
    return shlex.join(["deadheat", "attack", *names, *(["--url", base] if base else []), *extra])


def _shown(trial: Trial, racers: Sequence[Racer]) -> tuple[int, ...]:
    """The racers to tell about: all of a few, else those that succeeded first, then others."""
    actors = range(len(racers))
    if len(racers) <= _MOST_RACERS:
        return tuple(actors)
    answers = trial.observation.responses

    def rank(actor: int) -> tuple[bool, int]:
        answer = answers[actor]
        return (answer is None or answer.status >= 400, actor)

    return tuple(sorted(sorted(actors, key=rank)[:_MOST_RACERS]))


def _compact(violation: Violation) -> Violation:
    """Outcomes of many racers as counts: a column for each would say less."""
    if len(violation.observed.responses) <= _MOST_RACERS:
        return violation
    observed = _counted(violation.observed)
    explanation = violation.explanation
    if violation.observed.responses[0] in explanation:
        explanation = f"the answers were {observed.responses[0]}; no sequential order gives that"
    return structs.replace(
        violation,
        explanation=explanation,
        observed=observed,
        serial=tuple(
            structs.replace(serial, order=(), outcome=_counted(serial.outcome)) for serial in violation.serial
        ),
    )


def _counted(outcome: Outcome) -> Outcome:
    counts = Counter(outcome.responses)
    kinds = [f"{count} × {text}" for text, count in counts.most_common(_MOST_KINDS)]
    rest = sum(count for _, count in counts.most_common()[_MOST_KINDS:])
    return structs.replace(outcome, responses=(", ".join([*kinds, f"{rest} others"] if rest else kinds),))


def _state(violation: Violation, racers: Sequence[Racer]) -> str:
    """What is raced, as well as it can be named from outside: the first probe that differs, else the path."""
    legal = {pair for serial in violation.serial for pair in serial.outcome.state}
    for name, value in violation.observed.state:
        if violation.serial and (name, value) not in legal:
            return name
    return racers[0].request.target.partition("?")[0]


def _endpoint(racer: Racer) -> str:
    return f"{racer.request.method} {racer.request.target.partition('?')[0]}"
