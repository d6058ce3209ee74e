"""How far the search went: a line per scenario, then the bound of every claim made from it.

Owns the words "explored" and "complete". They are said only of what was run: these requests, this initial
state, this granularity, and with what was not compared named.
"""

from collections import Counter

from rich.cells import cell_len
from rich.text import Text

from deadheat.model import Exploration, Run
from deadheat.report import strategies
from deadheat.report.names import Names, number
from deadheat.report.text import Paper, pad

_MOST = 24


def draw(run: Run, names: Names, paper: Paper) -> list[Text]:
    """The explorations, worst first, and what they are worth."""
    found = run.coverage.explorations
    if not found:
        return []
    lines = [Text("Explored", style="bold")]
    labels = {e.scenario: _label(e, names, paper) for e in found}
    repeated = {label for label, count in Counter(labels.values()).items() if count > 1}
    ranked = sorted(found, key=_rank)
    column = max((cell_len(paper.safe(label)) for label in labels.values()), default=0)
    column = column if column <= paper.width // 2 else 0
    for exploration in ranked[:_MOST]:
        label = labels[exploration.scenario]
        if label in repeated:
            label = f"{label} ({exploration.scenario})"
        glyph, style = _glyph(exploration, paper)
        head = f"  {glyph} {paper.safe(label)}"
        words = status(exploration)
        whole = Text.assemble((pad(head, column + 4), style), "  ", paper.safe(words))
        if whole.cell_len <= paper.width:
            lines.append(whole)
        else:
            lines += paper.wrap(Text(head[4:], style=style), indent="    ", first=f"  {glyph} ")
            lines += paper.wrap(words, indent="      ")
        for told in strategies.lines(exploration):
            lines += paper.wrap(told, indent="        ", first="      ", style="dim")
    rest = ranked[_MOST:]
    if rest:
        clean = sum(_is_clean(e) for e in rest)
        words = f"and {number(len(rest), 'more scenario')}: {clean} of them clean in all orders"
        lines += paper.wrap(words, indent="    ")
    return lines + _bound(run, paper)


def status(exploration: Exploration) -> str:
    """What can be said of one scenario: complete or not, and how many orders violate."""
    count, bad = strategies.exhaustive(exploration)
    so_far = f"{bad} {'violates' if bad == 1 else 'violate'}" if bad else "none violates"
    unknown = exploration.verdict not in ("ok", "violation")
    if not count:
        return f"not explored: {exploration.reason or 'no order was run'}"
    if exploration.complete and not unknown:
        if count == 1:
            return f"the only order explored, {'it violates' if bad else 'it does not violate'}"
        return f"all {count} orders explored, {so_far}"
    reason = exploration.reason or ("no verdict" if unknown else "the search stopped early")
    return f"not complete because {reason}; {number(count, 'order')} run, {so_far} so far"


def _is_clean(exploration: Exploration) -> bool:
    return exploration.complete and exploration.verdict == "ok" and not exploration.violating


def _rank(exploration: Exploration) -> int:
    if exploration.violating or exploration.verdict == "violation":
        return 0
    return 2 if _is_clean(exploration) else 1


def _glyph(exploration: Exploration, paper: Paper) -> tuple[str, str]:
    glyphs = paper.glyphs
    return ((glyphs.bad, "bold red"), (glyphs.unknown, "yellow"), (glyphs.good, "green"))[_rank(exploration)]


def _label(exploration: Exploration, names: Names, paper: Paper) -> str:
    if not exploration.handlers:
        return exploration.scenario
    glyphs = paper.glyphs
    return names.racing(exploration.handlers, exploration.requests, glyphs.times, glyphs.beside)


def bound_words(run: Run) -> str:
    """What the claims above hold for: requests, initial state, granularity, equivalence."""
    coverage = run.coverage
    probes = f"the {number(coverage.probes_placed, 'probe')}"
    if coverage.probes_dropped:
        probes += f" ({coverage.probes_dropped} more dropped)"
    granularity = f"at the granularity of {probes}" if coverage.probes_placed else "at this granularity"
    merged = " or ".join(dict.fromkeys(what for e in coverage.explorations for what in e.merged))
    searches = " or ".join(
        dict.fromkeys(e.search for e in coverage.explorations if e.search and not strategies.lines(e))
    )
    words = (
        f"This holds for these requests, from this initial state, {granularity}: what happens between two "
        "probes is not seen."
    )
    if merged:
        how = f" ({searches})" if searches else ""
        words += f" Orders that differ only in {merged} count once{how}."
    return words


def _bound(run: Run, paper: Paper) -> list[Text]:
    lines = paper.wrap(bound_words(run), indent="  ", style="dim")
    masked = list(dict.fromkeys(field for e in run.coverage.explorations for field in e.masked))
    if masked:
        lines += paper.wrap(f"Not compared: {'; '.join(masked)}.", indent="  ", style="dim")
    return lines
