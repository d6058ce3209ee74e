"""A run as one JSON document (`--format json`): the contract of `document`, filled in.

Owns the translation from the model. It must not decide what is said: nothing is left out for brevity,
and nothing but credentials is changed.
"""

import msgspec
from msgspec import structs

from deadheat.model import Attack, Evidence, Exploration, Finding, Outcome, Run, Span, Tally
from deadheat.report.accesses import part as inventory
from deadheat.report.again import command
from deadheat.report.document import (
    AttackPart,
    CoveragePart,
    Document,
    EvidencePart,
    ExplorationPart,
    FindingPart,
    FixPart,
    GroupPart,
    HandlerPart,
    MutationPart,
    NotTestedPart,
    NullPart,
    OutcomePart,
    SerialOutcomePart,
    ShrunkPart,
    SkippedPart,
    SpanPart,
    StatePart,
    TallyPart,
    ToolPart,
    TrialsPart,
    WindowPart,
)
from deadheat.report.names import Names
from deadheat.report.order import order
from deadheat.report.secrets import Masker


def render(run: Run) -> str:
    """The document, indented, ending in a line break."""
    built = document(run)
    try:
        encoded = msgspec.json.encode(built)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_encodable(msgspec.to_builtins(built)))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def document(run: Run) -> Document:
    """The document as values."""
    names, masker = Names(run), Masker()
    return Document(
        tool=ToolPart(run.tool.name, run.tool.version),
        target=run.target,
        seed=run.seed,
        findings=tuple(_finding(finding, names, masker) for finding in order(run.findings)),
        inventory=inventory(run.review),
        coverage=_coverage(run, names, masker),
        not_tested=tuple(NotTestedPart(item.what, item.why, item.mend) for item in run.not_tested),
    )


def _finding(finding: Finding, names: Names, masker: Masker) -> FindingPart:
    window = finding.window
    return FindingPart(
        rule=finding.rule,
        code=finding.code,
        title=finding.title,
        severity=finding.severity,
        confidence=finding.confidence,
        proof=finding.proof,
        cwe=finding.cwe,
        impact=finding.impact,
        state=StatePart(finding.state.kind, finding.state.path),
        handlers=_handlers(finding.handlers, names),
        location=_span(finding.location),
        window=WindowPart(_span(window.check.span), _span(window.act.span), window.awaits)
        if window
        else None,
        related=tuple(_span(span) for span, _ in finding.related),
        message=masker.text(finding.message),
        fingerprint=finding.fingerprint,
        evidence=_evidence(finding.evidence, masker) if finding.evidence else None,
        fixes=tuple(FixPart(fix.title, fix.safety, fix.argument, fix.cost) for fix in finding.fixes),
    )


def _evidence(evidence: Evidence, masker: Masker) -> EvidencePart:
    trials = evidence.trials
    serial = []
    for each in evidence.verdict.serial:
        outcome = _outcome(each.outcome, masker)
        serial.append(SerialOutcomePart(each.order, outcome.responses, outcome.state))
    return EvidencePart(
        trials=TrialsPart(trials.violated, trials.total, (trials.interval.low, trials.interval.high)),
        schedule=evidence.schedule_id,
        again=command(evidence.again, masker),
        serial_outcomes=tuple(serial),
        observed_outcome=_outcome(evidence.verdict.observed, masker),
        shrunk=ShrunkPart(*structs.astuple(evidence.shrunk)) if evidence.shrunk else None,
    )


def _outcome(outcome: Outcome, masker: Masker) -> OutcomePart:
    return OutcomePart(
        tuple(map(masker.text, outcome.responses)),
        {masker.text(probe): masker.named(probe, value) for probe, value in outcome.state},
    )


def _coverage(run: Run, names: Names, masker: Masker) -> CoveragePart:
    coverage = run.coverage
    return CoveragePart(
        files=coverage.files,
        lines=coverage.lines,
        handlers=coverage.handlers,
        handlers_exercised=coverage.handlers_exercised,
        probes_placed=coverage.probes_placed,
        probes_dropped=coverage.probes_dropped,
        schedules=coverage.schedules,
        seconds=coverage.seconds,
        explorations=tuple(_exploration(each, names) for each in coverage.explorations),
        attacks=tuple(_attack(each, masker) for each in coverage.attacks),
        skipped=tuple(SkippedPart(file, reason) for file, reason in run.review.skipped),
        interrupted=run.interrupted,
    )


def _attack(each: Attack, masker: Masker) -> AttackPart:
    return AttackPart(
        scenario=masker.text(each.scenario),
        racers=tuple(map(masker.text, each.racers)),
        verdict=each.verdict,
        rounds=each.rounds,
        violating=each.violating,
        interval=(each.interval.low, each.interval.high) if each.interval else None,
        likelihood=each.likelihood,
        holds=each.holds,
        forced=each.forced,
        requests=each.requests,
        seconds=each.seconds,
        plan=each.plan,
        because=each.because,
        spread=each.spread,
        overlap=each.overlap,
        in_flight=each.in_flight,
        offsets=each.offsets,
        controls=each.controls,
        orders=each.orders,
        oracles=each.oracles,
        masked=each.masked,
        indeterminate=each.indeterminate,
        refused=each.refused,
        nulls=tuple(NullPart(null.name, masker.text(null.words), null.mend) for null in each.nulls),
        groups=tuple(
            GroupPart(masker.text(group.text), group.count, group.odd, tuple(map(masker.text, group.diff)))
            for group in each.groups
        ),
        mutations=tuple(MutationPart(*mutation) for mutation in each.mutations),
        cores=each.cores,
        free_cores=each.free_cores,
        ruled_out=each.ruled_out,
        stopped=each.stopped,
    )


def _exploration(each: Exploration, names: Names) -> ExplorationPart:
    return ExplorationPart(
        scenario=each.scenario,
        requests=each.requests,
        handlers=_handlers(each.handlers, names),
        schedules=each.schedules,
        violating=each.violating,
        complete=each.complete,
        verdict=each.verdict,
        reason=each.reason,
        search=each.search,
        masked=each.masked,
        points=each.points,
        seconds=each.seconds,
        bound=each.bound,
        strategies=tuple(map(_tally, each.strategies)),
    )


def _tally(each: Tally) -> TallyPart:
    return TallyPart(
        strategy=each.strategy,
        sampled=each.sampled,
        schedules=each.schedules,
        violating=each.violating,
        first=each.first,
        rate=(each.rate.low, each.rate.high) if each.rate is not None else None,
        depth=each.depth,
        chance=each.chance,
        missed=each.missed,
        complete=each.complete,
    )


def _handlers(handlers: tuple[str, ...], names: Names) -> tuple[HandlerPart, ...]:
    return tuple(HandlerPart(handler, names.endpoint(handler)) for handler in handlers)


def _span(span: Span) -> SpanPart:
    return SpanPart(span.file, span.start_line, span.start_column, span.end_line, span.end_column)


def _encodable(value: object) -> object:
    """The same with lone surrogates replaced: names of files may hold them, JSON in UTF-8 cannot."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value
