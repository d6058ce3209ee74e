"""Read first: what could make a pass meaningless.

Owns the list of everything a clean result says nothing about. It must not soften it: a run that tested
nothing says so before anything else.
"""

from rich.text import Text

from deadheat.model import Run
from deadheat.report.names import number
from deadheat.report.text import Paper

_MOST_SKIPPED = 5


def draw(run: Run, paper: Paper) -> list[Text]:
    """The warnings and the untested, each with its why and its mend; nothing when there are none."""
    lines: list[Text] = []
    for words in warnings(run):
        lines += paper.wrap(words, indent="    ", first="  ! ", style="yellow")
    for item in run.not_tested:
        lines += paper.wrap(f"not tested: {item.what}", indent="      ", first="  ! ", style="yellow")
        lines += paper.wrap(item.why, indent="         ", first="    why  ")
        if item.mend:
            mend = item.mend.strip("\n")
            # A stub is pasted as it is; a sentence may be folded.
            if "\n" in mend:
                lines += [Text("    mend"), *paper.verbatim(mend, indent="      ")]
            else:
                lines += paper.wrap(mend, indent="         ", first="    mend ")
    if not lines:
        return []
    head = "Read this first: nothing below says anything about these."
    return [*paper.wrap(head, indent="  ", first="", style="bold yellow"), *lines]


def warnings(run: Run) -> tuple[str, ...]:
    """What is wrong with the run as a whole, one sentence each."""
    out = []
    if run.interrupted:
        out.append("interrupted: this is what was found until then, the rest was not tested")
    if tested_nothing(run):
        out.append("nothing was tested: no request was raced and no source was read")
    skipped = run.review.skipped
    for file, reason in skipped[:_MOST_SKIPPED]:
        out.append(f"not read: {file}: {reason}")
    if len(skipped) > _MOST_SKIPPED:
        out.append(f"not read: {number(len(skipped) - _MOST_SKIPPED, 'more file')}")
    dropped = run.coverage.probes_dropped
    if dropped:
        out.append(
            f"{number(dropped, 'probe')} had to be dropped (the code does not compile with "
            f"{'it' if dropped == 1 else 'them'}): races that need a stop there stay unseen"
        )
    return tuple(out)


def tested_nothing(run: Run) -> bool:
    """Whether a clean result would mean nothing at all."""
    coverage = run.coverage
    ran = coverage.schedules or any(e.schedules for e in coverage.explorations)
    ran = ran or any(attack.rounds or attack.holds for attack in coverage.attacks)
    if coverage.attacks:
        return not ran
    return not (ran or coverage.handlers or run.review.handlers or run.findings)
