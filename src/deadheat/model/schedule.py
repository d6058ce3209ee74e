"""A schedule: the order in which requests take their steps, small enough to paste."""

from msgspec import Struct


class Release(Struct, frozen=True, tag="release"):
    """Let an actor's request start."""

    actor: int


class Grant(Struct, frozen=True, tag="grant"):
    """Let an actor that is held at a probe go on to its next one.

    `point` is the probe's identity in the source (not its number in one build), so that a
    schedule survives edits elsewhere; `occurrence` counts this actor's visits of it from 0.
    """

    actor: int
    point: str
    occurrence: int = 0


class Wait(Struct, frozen=True, tag="wait"):
    """Let time pass, in milliseconds."""

    milliseconds: float


Step = Release | Grant | Wait


class Schedule(Struct, frozen=True):
    """Steps in order, and the seed of whatever sampled them (0 when nothing did)."""

    steps: tuple[Step, ...] = ()
    seed: int = 0

    @property
    def order(self) -> str:
        """The actors in step order, as letters: `ABAB`."""
        return "".join(chr(ord("A") + step.actor) for step in self.steps if isinstance(step, Grant))
