"""Who goes on: the choices of one execution, for whoever executes a proposal in Python.

Owns the reference of what docs/protocol.md calls execution: the prefix; then the policy if there is
one, else the last actor again if it can go and else the lowest; never one asleep. It must not know what
actors are nor what holds them. The probe runtime's own is `crates/deadheat-probe`, `control/choice.rs`.
"""

from collections.abc import Mapping

from deadheat.schedule.policy import Chooser
from deadheat.schedule.trace import Op, Proposal


class Choice:
    """The choices of one execution of `proposal` by so many `actors`.

    `redundant` becomes true where only sleeping actors could go on.
    """

    def __init__(self, proposal: Proposal, actors: int) -> None:
        """Nobody has gone yet."""
        self._prefix = proposal.prefix
        self._asleep = set(proposal.sleep)
        self._policy = proposal.policy
        self._chooser = Chooser(proposal.policy, actors) if proposal.policy is not None else None
        self._last = -1
        self._steps = 0
        self.redundant = False

    @property
    def asleep(self) -> frozenset[int]:
        """Who sleeps after the step chosen last."""
        return frozenset(self._asleep)

    def next(self, enabled: frozenset[int], ahead: Mapping[int, Op]) -> int | None:
        """Give who takes the next step: one of `enabled`, None when the prefix names another.

        `ahead` is what each unfinished actor does next.
        """
        position, self._steps = self._steps, self._steps + 1
        if position < len(self._prefix):
            self._last = self._prefix[position]
            if self._last not in enabled:
                return None
            if self._chooser is not None:
                # What it draws for these steps is spent: a policy's order begun again stays that order.
                self._choose(enabled, ahead)
                self._told(self._last, ahead)
            return self._last
        awake = enabled - self._asleep
        self.redundant = self.redundant or not awake
        among = awake or enabled
        step = self._choose(among, ahead)
        self._asleep -= self._told(step, ahead) | {step}
        self._last = step
        return step

    def _told(self, step: int, ahead: Mapping[int, Op]) -> set[int]:
        """Let the policy know who takes the next step; give who is about to do what depends on it."""
        dependent = {actor for actor, op in ahead.items() if actor != step and op.conflicts(ahead[step])}
        if self._chooser is not None:
            self._chooser.took(step, self._interesting(ahead[step]), dependent)
        return dependent

    def did(self, op: Op, ahead: Mapping[int, Op]) -> None:
        """Learn what the step chosen last turned out to do, where that is known only then."""
        self._asleep -= {actor for actor in self._asleep if ahead[actor].conflicts(op)}

    def _choose(self, among: frozenset[int], ahead: Mapping[int, Op]) -> int:
        if self._chooser is None:
            return self._last if self._last in among else min(among)
        interesting = {actor for actor, op in ahead.items() if self._interesting(op)}
        return self._chooser.choose(sorted(among), interesting, ahead.keys())

    def _interesting(self, op: Op) -> bool:
        return self._policy is not None and self._policy.is_interesting(op.resources)
