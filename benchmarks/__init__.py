"""Ratios against peers, measured side by side in one run.

Owns the shape of a figure and how a benchmark prints it. One benchmark is one module here;
``python -m benchmarks.NAME --json`` prints its figures, ``python -m benchmarks`` runs all of them.
It must not know what is measured: the modules do.
"""

import sys

import msgspec


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measured number beside a peer's, or beside a goal where there is no peer.

    ``ours`` and ``peer`` are in ``unit``; ``ratio`` is ours / peer. ``goal`` is in words, ``met`` says
    whether this run met it (None: no goal, or not decided by this run).
    """

    name: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one benchmark prints."""

    figures: tuple[Figure, ...]


def emit(*figures: Figure) -> None:
    """Prints the figures: JSON with ``--json`` on the command line, else one line each."""
    if "--json" in sys.argv[1:]:
        print(msgspec.json.encode(Figures(figures)).decode())
        return
    for figure in figures:
        beside = "" if figure.peer is None else f"  {figure.peer_name or 'peer'} {figure.peer:,.4g}"
        goal = "" if not figure.goal else f"  goal: {figure.goal}"
        met = {True: "  met", False: "  MISSED", None: ""}[figure.met]
        print(f"{figure.name}: {figure.ours:,.4g} {figure.unit}{beside}{goal}{met}")
