"""The Rust reader: source text → handlers, shared states, event graphs, places for probes.

`read(tree)` gives a `Program`: `review` (the inventory), `sites` (for the probes), `roots` (one
event graph per handler, helpers looked through, for the rules). It opens no file: a `SourceTree`
comes from `deadheat.io.source`.
"""

from deadheat.rust.ir import Event, Kind, Mode, Place
from deadheat.rust.program import Program, read
from deadheat.rust.roots import Root
from deadheat.rust.tree import SourceTree

__all__ = ["Event", "Kind", "Mode", "Place", "Program", "Root", "SourceTree", "read"]
