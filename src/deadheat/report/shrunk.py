"""How much smaller the requests of a finding are than those it was found with.

Owns these words. It must not show what was left out: a secret may be among it.
"""

from deadheat.model import Shrunk
from deadheat.report.names import number


def words(shrunk: Shrunk | None) -> str:
    """What was left out of the requests and what was not tried; empty where there is nothing to say."""
    if shrunk is None or not (shrunk.smaller or shrunk.untried):
        return ""
    sizes = (("body", shrunk.body), ("query", shrunk.query), ("headers", shrunk.headers))
    parts = [f"{name}: {before} → {after} bytes" for name, (before, after) in sizes if after < before]
    told = f"Shrunk: {', '.join(parts) or 'nothing could be left out'}"
    told += f" ({number(shrunk.runs, 'execution')}, {shrunk.seconds:.1f} s); the orders were explored with"
    told += " the whole requests. Not tried"
    left = f"; {number(shrunk.untried, 'more change')}: the budget is used up" if shrunk.untried else ""
    return f"{told}: {', '.join(shrunk.kept)}{left}."
