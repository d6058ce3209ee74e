"""A witness made small: fewest requests, fewest switches, smallest requests."""

from deadheat.engine.shrink.witness import joined, shrunk

__all__ = ["joined", "shrunk"]
