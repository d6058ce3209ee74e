"""Where probes go in source, and the edits that put them there.

Owns the way from `Site`s (what the reader found) to points (places where a request can be held,
with an identity that survives edits elsewhere) and to pure insertions in the source text. Pure: it
must not know about files, cargo, or what the probes do when they run (crates/deadheat-probe).
"""

from deadheat.probe.edit import apply, demote, drop, drop_all, lower, probe_at
from deadheat.probe.plan import Plan, Point, Probe, Wrap, plan

__all__ = [
    "Plan",
    "Point",
    "Probe",
    "Wrap",
    "apply",
    "demote",
    "drop",
    "drop_all",
    "lower",
    "plan",
    "probe_at",
]
