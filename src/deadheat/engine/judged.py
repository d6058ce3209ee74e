"""What the rules say of a program, found by a second process while this one does something else.

Owns that division: the rules are imported and run in a copy of this process, what they find comes back
as bytes. It must not know what any rule looks for. Where there is no second core, or next to nothing
to judge, or the second process fails, the rules run here.
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from deadheat.io.beside import beside, second_core
from deadheat.model import Finding, RuleInfo, Suppressed
from deadheat.rust import Program

_WORTHWHILE = 3_000  # events: judging fewer takes less time than a second process


class Judged(Struct, frozen=True):
    """What the rules found, what a comment accepts of it, and what each rule says of itself."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    rules: tuple[RuleInfo, ...]


def judge(program: Program, meanwhile: Callable[[], object]) -> Judged:
    """Run every rule; `meanwhile` is done here, before or beside."""
    if not second_core() or sum(len(root.events) for root in program.roots) < _WORTHWHILE:
        meanwhile()
        return _judge(program)
    with beside(lambda: msgspec.msgpack.encode(_judge(program))) as result:
        meanwhile()
        found = result()
    return msgspec.msgpack.decode(found, type=Judged) if found is not None else _judge(program)


def _judge(program: Program) -> Judged:
    from deadheat import rules  # here: who answers from the cache need not wait for half a hundred rules
    from deadheat.rules.document import information

    findings, suppressed = rules.review(program)
    return Judged(findings, suppressed, information())


__all__ = ["Judged", "judge"]
