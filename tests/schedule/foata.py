"""The equivalence class of an execution, from its trace alone."""

from deadheat.schedule import Trace


def foata(trace: Trace) -> tuple[frozenset[tuple[int, int]], ...]:
    """Foata normal form: equal exactly for executions in one Mazurkiewicz trace.

    A step depends on its actor's steps, on conflicting steps, and on the step that let its actor go
    on, if that waited: seen in who was enabled.
    """
    layers: list[set[tuple[int, int]]] = []
    levels: list[int] = []
    count: dict[int, int] = {}
    for index, step in enumerate(trace.steps):
        before = [other for other in range(index) if trace.steps[other].actor == step.actor]
        since = before[-1] if before else -1
        depends = set(before)
        for other in range(index):
            if trace.steps[other].op.conflicts(step.op):
                depends.add(other)
            let_go = step.actor not in trace.steps[other].enabled and (
                step.actor in trace.steps[other + 1].enabled
            )
            if other > since and let_go:
                depends.add(other)
        level = 1 + max((levels[other] for other in depends), default=-1)
        levels.append(level)
        if level == len(layers):
            layers.append(set())
        layers[level].add((step.actor, count.get(step.actor, 0)))
        count[step.actor] = count.get(step.actor, 0) + 1
    return tuple(frozenset(layer) for layer in layers)
