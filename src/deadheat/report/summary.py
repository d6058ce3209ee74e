"""The last lines: how many of what, how far it went, and what that amounts to.

Owns the closing sentence. "No findings" is never printed alone: it comes with what was done to find any.
"""

from collections import Counter

from rich.text import Text

from deadheat.model import Acceptance, Coverage, Proof, Run, Severity
from deadheat.report.attacked import clear
from deadheat.report.names import number
from deadheat.report.text import Paper
from deadheat.report.untested import tested_nothing


def draw(run: Run, paper: Paper) -> list[Text]:
    """The counts, then a line on what was run."""
    dot = f" {paper.glyphs.dot} "
    style = "bold red" if run.findings else ("bold yellow" if inconclusive(run) else "bold green")
    lines = paper.wrap(verdict_words(run), indent="  ", first="", style=style)
    for words in (accepted_words(run), *run.notes):
        lines += paper.wrap(words, indent="  ", first="") if words else []
    about = [f"{run.tool.name} {run.tool.version}", run.target, f"seed {run.seed}"]
    return lines + paper.wrap(dot.join([*_work(run), *about]), indent="  ", first="", style="dim")


def accepted_words(run: Run) -> str:
    """What was found and is accepted, by whom; empty when nothing is."""
    count = len(run.suppressed)
    if not count:
        return ""
    comments = sum(one.by is Acceptance.COMMENT for one in run.suppressed)
    by = [f"{comments} by a comment"] if comments else []
    by += [f"{count - comments} by the baseline"] if count > comments else []
    return f"{number(count, 'more finding')} accepted: {', '.join(by)}"


def verdict_words(run: Run) -> str:
    """What the run amounts to, in one line."""
    if run.findings:
        proofs = Counter(finding.proof for finding in run.findings)
        severities = Counter(finding.severity for finding in run.findings)
        shown = ", ".join(f"{proofs[proof]} {proof}" for proof in reversed(Proof) if proofs[proof])
        bad = ", ".join(f"{severities[level]} {level}" for level in Severity if severities[level])
        return f"{number(len(run.findings), 'finding')}: {shown} ({bad}){_left(run)}"
    if tested_nothing(run):
        return "Nothing was tested: this is not a pass."
    if run.coverage.attacks:
        return _attacked_words(run)
    explorations = run.coverage.explorations
    if not explorations and run.dynamic:
        return f"No requests were raced: this is not a pass{_left(run)}."
    if not explorations:
        return f"No findings in the source{_left(run)}. Nothing was run: `deadheat hunt` does that."
    violating = sum(bool(e.violating) or e.verdict == "violation" for e in explorations)
    if violating:
        # A run cut short between a violation and its finding: never to be read as clean.
        return f"No findings yet, but orders of {number(violating, 'scenario')} violate{_left(run)}"
    complete = sum(e.complete and e.verdict != "unknown" for e in explorations)
    if complete == len(explorations):
        return f"No findings: every scenario explored in all orders, none violates{_left(run)}"
    return (
        f"No findings, but inconclusive: {complete} of {number(len(explorations), 'scenario')} "
        f"explored in all orders{_left(run)}"
    )


def _attacked_words(run: Run) -> str:
    attacks = run.coverage.attacks
    seen = clear(attacks)
    if not seen:
        return f"Inconclusive: no race was seen, and that says little{_left(run)}"
    which = "" if seen == len(attacks) == 1 else f" in {seen} of {number(len(attacks), 'scenario')}"
    return f"No race was seen by timing{which}{_left(run)}"


def inconclusive(run: Run) -> bool:
    """Whether something was left open: a pass that should not look like one."""
    if any(attack.verdict == "unknown" for attack in run.coverage.attacks):
        return True
    open_ends = any(not e.complete or e.verdict == "unknown" for e in run.coverage.explorations)
    return bool(run.not_tested) or run.interrupted or open_ends or tested_nothing(run)


def _left(run: Run) -> str:
    left = f"; {len(run.not_tested)} not tested" if run.not_tested else ""
    return f"{left}; interrupted" if run.interrupted else left


def _work(run: Run) -> list[str]:
    coverage = run.coverage
    parts = []
    handlers = coverage.handlers or len(run.review.handlers)
    if handlers and not coverage.attacks:
        if coverage.explorations:
            parts.append(f"{coverage.handlers_exercised} of {number(handlers, 'handler')} raced")
        else:
            parts.append(f"{number(handlers, 'handler')} read")
    if coverage.explorations:
        complete = sum(e.complete and e.verdict != "unknown" for e in coverage.explorations)
        total = number(len(coverage.explorations), "scenario")
        parts.append(f"{complete} of {total} explored in all orders")
    if coverage.attacks:
        rounds = sum(attack.rounds for attack in coverage.attacks)
        requests = sum(attack.requests for attack in coverage.attacks)
        parts.append(f"{number(rounds, 'round')}, {number(requests, 'request')} in {coverage.seconds:.1f} s")
    if coverage.schedules:
        parts.append(number(coverage.schedules, "schedule") + _pace(coverage))
    return parts


def _pace(coverage: Coverage) -> str:
    """How fast schedules were run, and how long all took: building, above all, is something else."""
    exploring = sum(exploration.seconds for exploration in coverage.explorations)
    rate = f" in {exploring:.1f} s ({coverage.schedules / exploring:.0f}/s)" if exploring >= 0.1 else ""
    return f"{rate}, {coverage.seconds:.1f} s in all"
