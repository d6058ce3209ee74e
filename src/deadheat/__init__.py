"""Deadheat: race conditions in Rocket applications, found, forced, explained and proved fixed.

Owns the version and nothing else. The vocabulary is in ``deadheat.model``; the flow from source to
report is drawn in ARCHITECTURE.md, and the folders of this package follow its arrows.
"""

__version__ = "0.1.0"
