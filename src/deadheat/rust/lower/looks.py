"""Which fields a method of ours looks at, when nothing else is known of what it gives back.

Owns a reading of the body as text: `self.expires` in `is_valid(&self)`. The answer of a method without
effects depends on those fields, and not on the rest of what it was called on. It must not know events.
"""

import re

from deadheat.rust.items import Function
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.types import Type

_FIELD = re.compile(rb"\bself\s*\.\s*([a-z_]\w*)\b(?!\s*(?:\(|::))")
_CALLED = re.compile(rb"\bself\s*\.\s*([a-z_]\w*)\s*\(")
_MANY = 6  # what looks at more looks at the whole


def looked_at(low: Lowering, function: Function, owner: Type | None) -> tuple[str, ...]:
    """The fields of `self` in the body of the method, and of the methods that it calls on itself."""
    found = dict.fromkeys(_FIELD.findall(function.body_text or b""))
    for name in dict.fromkeys(_CALLED.findall(function.body_text or b"")):
        called = low.types.method(owner, name.decode())
        if called is not None and called is not function:
            found |= dict.fromkeys(_FIELD.findall(called.body_text or b""))
    return tuple(one.decode() for one in found) if len(found) <= _MANY else ()
