"""One finding, whole: headline, source, effect, execution, serial outcomes, counts, mends, what to type.

Owns the order of these parts and the words around them. It must not say more than was measured: a
suspicion is called one, and is shown shorter.
"""

from collections.abc import Mapping

from rich.text import Text

from deadheat.model import (
    Access,
    AccessKind,
    Evidence,
    Exploration,
    Finding,
    Proof,
    Run,
    Safety,
    Severity,
    Window,
)
from deadheat.report import deadlock, serial, shrunk, strategies, timeline
from deadheat.report.again import command
from deadheat.report.attacked import likelihood
from deadheat.report.excerpt import Gap, Mark, excerpt
from deadheat.report.names import Names, number, short
from deadheat.report.secrets import Masker
from deadheat.report.text import Paper

_MOST_RELATED = 4
_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


def draw(finding: Finding, run: Run, names: Names, paper: Paper, masker: Masker) -> list[Text]:
    """All lines of one finding."""
    lines = _headline(finding, paper)
    if finding.location.file:
        lines += _source(finding, dict(run.sources), names, paper)
    else:
        lines += paper.wrap(f"{_who(finding, names, paper)}  {run.target}", indent="      ", first="  --> ")
    lines.append(Text(""))
    if finding.evidence is None:
        lines += paper.wrap(masker.text(finding.message), indent="  ")
        lines += _unproven(finding, run, names, paper)
    else:
        lines += _proven(finding, finding.evidence, names, paper, masker)
    lines += _fixes(finding, paper, short_form=finding.evidence is None)
    return lines + _commands(finding, paper, masker)


def proof_words(finding: Finding) -> str:
    """`FORCED 50/50`: the proof and its counts."""
    trials = finding.evidence.trials if finding.evidence else None
    counts = f" {trials.violated}/{trials.total}" if trials and trials.total else ""
    return f"{finding.proof.value.upper()}{counts}"


def title(finding: Finding) -> str:
    """The title, with the state's name where it lacks it."""
    path = finding.state.path
    return finding.title if not path or path in finding.title else f"{finding.title} on {path}"


def level(finding: Finding) -> str:
    """`error`, `warning` or `note`. What nothing has shown to happen is never called an error."""
    if finding.severity.rank <= Severity.HIGH.rank:
        return "warning" if finding.proof is Proof.SUSPECTED else "error"
    return "warning" if finding.severity is Severity.MEDIUM else "note"


def interval_words(evidence: Evidence) -> str:
    """`Wilson 95 %: 92.9–100 %`, empty without trials."""
    trials = evidence.trials
    if not trials.total:
        return ""
    low, high = (f"{100 * end:.1f}".removesuffix(".0") for end in (trials.interval.low, trials.interval.high))
    return f"Wilson 95 %: {low}–{high} %"


def _headline(finding: Finding, paper: Paper) -> list[Text]:
    word = level(finding)
    proof = f"{finding.severity.value.upper()} · {proof_words(finding)}"
    if finding.proof is Proof.SUSPECTED:
        proof += f" · {finding.confidence.value} confidence"
    left = Text.assemble(
        (f"{word}[{paper.safe(finding.code)}]", _STYLES[word]),
        " ",
        (paper.safe(title(finding)), "bold"),
    )
    return paper.sides(left, Text(paper.safe(proof), style=_STYLES[word]), indent="  ")


def _source(finding: Finding, sources: Mapping[str, str], names: Names, paper: Paper) -> list[Text]:
    window = finding.window
    marks: list[Mark] = []
    gap = None
    if window is None:
        marks.append(Mark(finding.location, "here", "^", "bold red"))
    else:
        check, act = _labels(window, names)
        # The act first: its file and line are the finding's location.
        marks.append(Mark(window.act.span, act, "=", "bold red"))
        if window.check.span != window.act.span:
            marks.append(Mark(window.check.span, check, "-", "bold blue"))
        before = (window.check.span.start_line, window.check.span.start_column)
        after = (window.act.span.start_line, window.act.span.start_column)
        if _alone(window):
            pass
        elif window.check.span.file == window.act.span.file and before < after:
            gap = Gap(window.act.span, _window_words(window))
    shown = {mark.span for mark in marks}
    for span, label in finding.related[:_MOST_RELATED]:
        if span not in shown:
            marks.append(Mark(span, label, "~", "cyan"))
            shown.add(span)
    lines = excerpt(marks, sources, paper, gap, place=_who(finding, names, paper))
    if window is not None and gap is None and not _alone(window):
        lines += paper.wrap(f"= {_window_words(window)}", indent="     ", first="   ")
    rest = len(finding.related) - _MOST_RELATED
    if rest > 0:
        lines += paper.wrap(f"= and {number(rest, 'more place')}", indent="     ", first="   ")
    return lines


def _who(finding: Finding, names: Names, paper: Paper) -> str:
    """The endpoints that collide: as they were raced, else as the review names them."""
    racers = finding.evidence.scenario.racers if finding.evidence else ()
    raced = tuple(racer.handler for racer in racers if racer.handler)
    glyphs = paper.glyphs
    if raced and len(raced) == len(racers):
        return names.racing(raced, len(raced), glyphs.times, glyphs.beside)
    return names.racing(finding.handlers, times=glyphs.times, beside=glyphs.beside)


def _alone(window: Window) -> bool:
    """Whether it takes no second request: a lock asked for by who holds it, or a single place."""
    itself = _is_lock_order(window) and window.check.state == window.act.state
    return itself or window.check.span == window.act.span


def _is_lock_order(window: Window) -> bool:
    return window.check.kind is AccessKind.ACQUIRE and window.act.kind is AccessKind.ACQUIRE


def _labels(window: Window, names: Names) -> tuple[str, str]:
    """What is said under the check and under the act."""
    check, act = window.check, window.act
    first, then = _name(check, names), _name(act, names)
    if _is_lock_order(window):
        if check.state == act.state:
            return f"first: locks {first}", f"then: asks for {then} again, still holding it"
        return f"first: locks {first}", f"then: asks for {then}, still holding {first}"
    again = " again" if _observes(act) and _observes(check) and check.state == act.state else ""
    return f"check: {_verb(check)} {first}", f"act: {_verb(act)} {then}{again}"


def _observes(access: Access) -> bool:
    return access.kind in (AccessKind.READ, AccessKind.RMW, AccessKind.ACQUIRE)


def _verb(access: Access) -> str:
    if access.operation.startswith("Sender::") and access.kind is AccessKind.WRITE:
        return "sends to"
    return {
        AccessKind.READ: "reads",
        AccessKind.WRITE: "writes",
        AccessKind.RMW: "reads and writes",
        AccessKind.ACQUIRE: "locks",
        AccessKind.RELEASE: "unlocks",
        AccessKind.BEGIN: "begins on",
        AccessKind.COMMIT: "commits to",
    }[access.kind]


def _name(access: Access, names: Names) -> str:
    return short(names.path(access.state))


def _window_words(window: Window) -> str:
    words = f"{number(window.awaits, 'await')}" if window.awaits else ""
    if window.width is not None:
        words += f"{', ' if words else ''}{window.width:.1f} ms"
    where = f" ({words})" if words else ""
    return f"window{where}: another request can get in between"


def _proven(finding: Finding, evidence: Evidence, names: Names, paper: Paper, masker: Masker) -> list[Text]:
    verdict = evidence.verdict
    lines = paper.wrap(masker.text(verdict.explanation), indent="  ", style="bold")
    if finding.message and finding.message != verdict.explanation:
        lines += paper.wrap(masker.text(finding.message), indent="  ")
    lines.append(Text(""))
    held = paper.glyphs.held
    head = Text(f"  How it happens (time runs downward, {held} waits):", style="bold")
    schedule = f"schedule {evidence.schedule_id}" if evidence.schedule_id else ""
    lines += paper.sides(head, Text(paper.safe(schedule), style="dim"), indent="  ")
    if evidence.scenario.setup:
        before = ", then ".join(str(request) for request in evidence.scenario.setup)
        lines += paper.wrap(masker.text(f"set up, once and by itself: {before}"), indent="    ", first="  ")
    lines += timeline.draw(finding, evidence, names, paper, masker)
    for words in (evidence.history.diverged, evidence.history.failure):
        if words:
            lines += paper.wrap(masker.text(words), indent="    ", first="  ! ", style="yellow")
    if verdict.deadlock:
        lines += [Text(""), *deadlock.draw(evidence, names, paper)]
    lines.append(Text(""))
    outcomes = serial.draw(verdict, paper, masker)
    lines += [*outcomes, Text("")] if outcomes else []
    return [*lines, *_counts(finding, evidence, paper), Text("")]


def count_words(finding: Finding, evidence: Evidence) -> str:
    """How often it violates: one request after another, over all orders, and by the schedule."""
    trials = evidence.trials
    parts = []
    if evidence.serial_controls:
        parts.append(f"0/{number(evidence.serial_controls, 'sequential run')}")
    if evidence.explored:
        parts.append(f"{evidence.violating}/{number(evidence.explored, 'order')} explored")
    if trials.total:
        parts.append(f"{trials.violated}/{trials.total} {finding.proof.value} ({interval_words(evidence)})")
    return f"Violations: {' · '.join(parts)}" if parts else ""


def _counts(finding: Finding, evidence: Evidence, paper: Paper) -> list[Text]:
    words = count_words(finding, evidence)
    lines = paper.wrap(words, indent="    ", first="  ") if words else []
    smaller = shrunk.words(evidence.shrunk)
    lines += paper.wrap(smaller, indent="    ", first="  ") if smaller else []
    if evidence.again:
        words = f"Likelihood: {likelihood(evidence.trials)}. Impact: {', '.join(finding.impact)}."
        lines += paper.wrap(words, indent="    ", first="  ")
    return lines


def _unproven(finding: Finding, run: Run, names: Names, paper: Paper) -> list[Text]:
    """What was not shown of a suspicion, and how to show it."""
    mine = [e for e in run.coverage.explorations if e.handlers and set(e.handlers) <= set(finding.handlers)]
    clean = [e for e in mine if e.complete and e.verdict == "ok" and not e.violating]
    if clean:
        best = max(clean, key=lambda e: e.schedules)
        words = (
            f"suspected, not seen: {_all_orders(best)} of {names.racing(best.handlers, best.requests)} "
            "explored and none violates. It may need other values, another initial state, or steps finer "
            "than the probes."
        )
        return paper.wrap(words, indent="  ")
    if mine:
        words = "suspected, not seen: the search was not complete (see below)."
        return paper.wrap(words, indent="  ")
    lines = paper.wrap("suspected: read in the source; nothing has made it happen yet.", indent="  ")
    if not run.coverage.explorations:
        lines += paper.verbatim(f"force   deadheat hunt {run.target}", indent="  ")
    return lines


def _all_orders(exploration: Exploration) -> str:
    orders, _ = strategies.exhaustive(exploration)
    return "the only order" if orders == 1 else f"all {orders} orders"


def _fixes(finding: Finding, paper: Paper, *, short_form: bool) -> list[Text]:
    lines: list[Text] = []
    for fix in finding.fixes[: 1 if short_form else None]:
        safety = "[safe]" if fix.safety is Safety.SAFE else "[unsafe: review]"
        lines += paper.wrap(f"{fix.title}  {safety}", indent="          ", first="  fix     ", style="green")
        for words in (fix.argument, f"Cost: {fix.cost}" if fix.cost else ""):
            if words and not short_form:
                lines += paper.wrap(words, indent="          ")
    return lines


def _commands(finding: Finding, paper: Paper, masker: Masker) -> list[Text]:
    explain = f"explain  deadheat explain {finding.code}"
    if finding.evidence is None:
        return paper.verbatim(explain, indent="  ")
    replay = f"replay  deadheat replay {finding.evidence.schedule_id}"
    if finding.evidence.again:
        replay = f"again   {command(finding.evidence.again, masker)}"
    both = f"{replay}      {explain}"
    if len(both) + 2 <= paper.width:
        return paper.verbatim(both, indent="  ")
    return paper.verbatim(f"{replay}\n{explain}", indent="  ")
