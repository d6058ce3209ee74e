"""The inventory: which handler touches which shared state, how, and under which lock.

Owns that table, for people and for programs. It must not judge: that two handlers write one state is not
a finding.
"""

from itertools import groupby

import msgspec
from rich.text import Text

from deadheat.model import Access, Review
from deadheat.report.accesses import in_order, names_in, part
from deadheat.report.markdown import code, escape
from deadheat.report.names import Names, number
from deadheat.report.table import columns
from deadheat.report.text import MINIMUM_WIDTH, Paper, render_lines


def render(review: Review, *, width: int = 100, colour: bool = False, ascii_only: bool = False) -> str:
    """The table, state by state, `width` cells wide (at least 40)."""
    paper = Paper(max(width, MINIMUM_WIDTH), ascii_only)
    return render_lines(draw(review, paper), colour=colour)


def draw(review: Review, paper: Paper) -> list[Text]:
    """The lines of the table."""
    names = names_in(review)
    lines: list[Text] = []
    for state, accesses in groupby(in_order(review, names), key=lambda access: names.path(access.state)):
        known = names.state(state)
        about = f"{known.kind} {known.type}".strip() if known else ""
        lines += paper.sides(
            Text(paper.safe(state), style="bold"), Text(paper.safe(about), style="dim"), indent="  "
        )
        rows = [
            (
                names.endpoint(access.handler),
                " ".join(filter(None, (access.kind.value, f"[{access.key}]" if access.key else ""))),
                f"{access.span.file}:{access.span.start_line}",
                _protection(access, names),
            )
            for access in accesses
        ]
        lines += columns(("handler", "access", "where", "under"), rows, paper, indent="  ")
        lines.append(Text(""))
    if not lines:
        lines = [Text("No shared state found."), Text("")]
    counts = (
        number(len(review.states), "shared state"),
        number(len(review.handlers), "handler"),
        number(len(review.accesses), "access", "accesses"),
        number(review.files, "file"),
    )
    return lines + paper.wrap(" · ".join(counts), style="dim")


def markdown(review: Review) -> str:
    """The same as Markdown, to be committed as a team's concurrency document: no line changes by itself.

    Places are named by function, not by line, so that an edit elsewhere leaves the document as it is.
    """
    names = names_in(review)
    lines = [
        "# Shared state",
        "",
        "Written by `deadheat scan --inventory --format markdown`.",
        "",
    ]
    for state, accesses in groupby(in_order(review, names), key=lambda access: names.path(access.state)):
        known = names.state(state)
        about = (
            f": {known.kind} {code(known.type)}"
            if known and known.type
            else f": {known.kind}"
            if known
            else ""
        )
        lines += [f"## {escape(state)}", "", f"{code(state)}{about}", ""]
        lines += ["| handler | access | in | under |", "|---|---|---|---|"]
        rows: dict[tuple[str, ...], None] = {}
        for access in accesses:
            rows[
                (
                    names.endpoint(access.handler),
                    " ".join(filter(None, (access.kind.value, f"[{access.key}]" if access.key else ""))),
                    access.span.file,
                    _protection(access, names),
                )
            ] = None
        lines += [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows]
        lines.append("")
    if not review.accesses:
        lines += ["No shared state found.", ""]
    return "\n".join(lines)


def json(review: Review) -> str:
    """The same as one JSON document: the `inventory` of `--format json`, alone."""
    return msgspec.json.format(msgspec.json.encode(part(review)), indent=2).decode() + "\n"


def _protection(access: Access, names: Names) -> str:
    under = access.under
    held = [f"lock {names.path(lock)}" for lock in under.locks]
    held += [f"transaction {under.transaction}"] if under.transaction else []
    held += [f"predicate {under.predicate}"] if under.predicate else []
    return ", ".join(held) or "nothing"
