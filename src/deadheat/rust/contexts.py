"""What runs at most once at a time: a program's start, and tasks that the start sets going.

Owns the judgement from syntax: `main`, `#[launch]`, ignition and liftoff fairings, and a task
spawned there outside any loop (a loop spawns one for each connection). Such a body does not race
with itself, only with whoever else touches what it touches: a single consumer may look first and
act later. It must not know accesses.
"""

import re

from deadheat.rust.ir import Where
from deadheat.rust.items import Function
from deadheat.rust.syntax import field_text, text_of

_STARTS = frozenset({"launch", "main"})  # #[launch], #[rocket::main], #[tokio::main], …
_FAIRINGS = frozenset({"on_ignite", "on_liftoff", "on_shutdown"})
_LOOPS = frozenset({"loop_expression", "while_expression", "for_expression"})
_REPEATED = frozenset({"for_each", "for_each_concurrent", "map", "filter_map", "then", "flat_map"})


_MAKERS = re.compile(r"(?:try_)?(?:new|load|open|init|build|create|setup|connect|from|with)(?:_\w+)?$")


def starts(function: Function) -> bool:
    """Whether a function is where a program starts, or makes the value that others will share.

    What `Self::open(…)` touches belongs to nobody else until it is returned.
    """
    if function.owner is not None and not function.receiver and _MAKERS.match(function.name):
        returned = field_text(function.node, "return_type")
        own = text_of(function.owner).split("<")[0].rsplit("::", 1)[-1]
        if re.search(rf"\b(?:Self|{re.escape(own)})\b", returned):
            return True
    if function.name == "main" or (function.trait is not None and function.name in _FAIRINGS):
        return True
    return any(
        text_of(attribute).split("(")[0].strip().rsplit("::", 1)[-1] in _STARTS
        for attribute in function.attributes
    )


def spawned_once(function: Function, start: Where | None) -> bool:
    """Whether the spawn at `start`, in this function, happens once each time the function runs."""
    if start is None or start.file is not function.file:
        return start is not None and start.file is not function.file
    first, last = start.start - function.shift, start.end - function.shift
    whole = function.whole
    node = whole.descendant_for_byte_range(first, last)
    while node is not None and node != whole:
        if node.type in _LOOPS:
            return False
        if node.type == "call_expression":
            callee = node.child_by_field_name("function")
            name = callee.child_by_field_name("field") if callee is not None else None
            if name is not None and text_of(name) in _REPEATED:
                return False
        node = node.parent
    return True
