"""What was attacked: a part per scenario, with what it rests on and what it leaves open.

Owns the words for a timed attack. Nothing seen is never called clean: it is told with the rate that so
many rounds rule out, the overlap that was reached, and what no timing can reach.
"""

from collections.abc import Sequence

from rich.text import Text

from deadheat.model import Attack, Run, Trials
from deadheat.report.names import number
from deadheat.report.secrets import Masker
from deadheat.report.text import Paper

_MOST_GROUPS = 6
_MOST_DIFF = 8


def draw(run: Run, paper: Paper, masker: Masker) -> list[Text]:
    """Every scenario attacked, those that violate first."""
    attacks = sorted(run.coverage.attacks, key=_rank)
    if not attacks:
        return []
    lines = [Text("Attacked", style="bold")]
    for attack in attacks:
        glyph, style = _glyph(attack, paper)
        head = f"{attack.scenario}: {status(attack)}"
        lines += paper.wrap(masker.text(head), indent="      ", first=f"  {glyph} ", style=style)
        # What makes a result mean nothing was said first of all; what merely weakens it stands here.
        notes = tuple(null.words for null in attack.nulls) if attack.verdict == "none-seen" else ()
        for words in (*details(attack), *notes):
            lines += paper.wrap(masker.text(words), indent="        ", first="      ")
        lines += _groups(attack, paper, masker)
    if any(attack.verdict == "none-seen" for attack in attacks):
        lines += paper.wrap(reach_words(), indent="  ", first="  ", style="dim")
    return lines


def status(attack: Attack) -> str:
    """What was seen, in one sentence."""
    if attack.verdict == "logic":
        return "violates one after the other already: a logic bug, nothing was raced"
    forced = f"forced {attack.forced} of {attack.holds}" if attack.holds else ""
    if not attack.rounds and not forced:
        return "not tested"
    timed = f"{attack.violating} of {number(attack.rounds, 'round')} violate"
    if attack.violating and attack.interval is not None:
        low, high = 100 * attack.interval.low, 100 * attack.interval.high
        timed += f" (Wilson 95 %: {low:.1f}–{high:.1f} %), {attack.likelihood}"
    elif attack.ruled_out is not None and attack.verdict == "none-seen":
        timed += f"; a share of {100 * attack.ruled_out:.1f} % or more is ruled out (95 %)"
    words = ", ".join(part for part in (forced, timed if attack.rounds else "") if part)
    return words if attack.verdict != "unknown" else f"inconclusive: {words}"


def details(attack: Attack) -> tuple[str, ...]:
    """What the sentence rests on."""
    lines = []
    if attack.plan:
        lines.append(f"released by {attack.plan}: {attack.because}")
    if attack.rounds:
        parts = [
            f"{100 * attack.overlap:.0f} % of the pairs overlapped",
            f"at most {attack.in_flight} in flight",
            f"median spread {attack.spread * 1e6:,.0f} µs",
            number(attack.requests, "request"),
            f"{attack.seconds:.1f} s",
        ]
        if attack.free_cores is not None:
            parts.append(f"{attack.free_cores:.1f} of {number(attack.cores, 'core')} free")
        lines.append(", ".join(parts))
    if any(attack.offsets):
        offsets = ", ".join(f"{offset * 1e3:.2f}" for offset in attack.offsets)
        lines.append(f"aimed: best at offsets {offsets} ms")
    if attack.oracles and attack.rounds:
        lines.append(
            f"judged by {'; '.join(attack.oracles)}; {number(attack.controls, 'sequential run')} before"
        )
    if attack.masked:
        lines.append(f"not compared: {'; '.join(attack.masked)}")
    if attack.indeterminate:
        lines.append(f"{number(attack.indeterminate, 'request')} never answered and may have taken effect")
    if attack.refused:
        lines.append(
            f"{number(attack.refused, 'round')} not judged by order: the server refused some requests"
        )
    if attack.mutations:
        tried = ", ".join(
            f"{family} {total}{f' ({violating} violate)' if violating else ''}"
            for family, total, violating in attack.mutations
        )
        lines.append(f"mutated racers tried: {tried}")
    if attack.stopped:
        lines.append(f"stopped: {attack.stopped}")
    return tuple(lines)


def reach_words() -> str:
    """What a null result of a timed attack leaves open."""
    return (
        "None seen is not none there: a window without an await is seldom reached by timing, however often it"
        " is tried. `deadheat hunt PATH` forces every order from the source."
    )


def likelihood(trials: Trials) -> str:
    """How likely a round violates, in words."""
    share = trials.violated / trials.total if trials.total else 0.0
    for least, word in ((0.5, "nearly always"), (0.1, "often"), (0.01, "sometimes")):
        if share >= least:
            return word
    return "rarely" if trials.violated else "not seen"


def clear(attacks: Sequence[Attack]) -> int:
    """How many scenarios were tested without a violation."""
    return sum(attack.verdict == "none-seen" for attack in attacks)


def _groups(attack: Attack, paper: Paper, masker: Masker) -> list[Text]:
    lines: list[Text] = []
    for group in attack.groups[:_MOST_GROUPS]:
        mark = f" {paper.glyphs.bad} no sequential run gave this" if group.odd else ""
        cell = paper.safe(masker.text(f"{group.count:>5} × {group.text}"))
        lines.append(Text(paper.fit(f"      {cell}", paper.width - len(mark)) + mark))
        lines += [
            Text(paper.fit(f"            {paper.safe(masker.text(line.rstrip()))}", paper.width), style="dim")
            for line in group.diff[:_MOST_DIFF]
        ]
    return lines


def _rank(attack: Attack) -> int:
    return {"violation": 0, "logic": 0, "unknown": 1}.get(attack.verdict, 2)


def _glyph(attack: Attack, paper: Paper) -> tuple[str, str]:
    glyphs = paper.glyphs
    return ((glyphs.bad, "bold red"), (glyphs.unknown, "yellow"), (glyphs.good, "green"))[_rank(attack)]
