"""What to write into `deadheat.toml` so that a handler gets tested.

Owns the texts of the mends: each is a piece of TOML with its explanation in comments, to be
pasted as it stands and then filled in. It must not know why a handler is not tested.
"""

import re
from collections.abc import Iterable

import msgspec

from deadheat.model.http import Request
from deadheat.model.source import Handler


def values(handler: Handler, names: Iterable[tuple[str, str]]) -> str:
    """`[values]` for the (name, what it should be) pairs, for this handler alone."""
    lines = [f"[values.{_key(handler.name)}]"]
    lines += [f"{_key(name)} = {_string(_placeholder(name))}  # {hint}" for name, hint in names]
    return "\n".join(lines)


def headers() -> str:
    """`[headers]` with a token from the environment."""
    return (
        '[headers]  # sent with every request\nauthorization = "Bearer ${TOKEN}"  # TOKEN: in the environment'
    )


def scenario(handler: Handler, request: Request | None = None, setup: str = "") -> str:
    """A scenario that races the handler with itself; `setup` says what has to be there first."""
    method, target = handler.method, _target(handler)
    body = ""
    if request is not None:
        method, target = request.method, request.target
        body = request.body.decode("utf-8", "replace")
    racer = _string(f"{method} {target} {body}".rstrip())
    lines = ["[[scenario]]", f"name = {_string(f'{handler.name}-twice')}"]
    if setup:
        lines.append(f'setup = []  # {setup}: ["POST /…"]')
    return "\n".join((*lines, f"racers = [{racer}, {racer}]"))


def table(handler: Handler, content: str) -> str:
    """A scenario whose requests need more than a line, `content` being TOML such as `body = ""`."""
    racer = f"{{ method = {_string(handler.method)}, target = {_string(_target(handler))}, {content} }}"
    name = _string(f"{handler.name}-twice")
    return f"[[scenario]]\nname = {name}\nracers = [\n  {racer},\n  {racer},\n]"


def _target(handler: Handler) -> str:
    """The route with placeholders in place of its parameters, so that it is still a target."""
    return re.sub(r"<([^>]*)>", lambda match: _placeholder(match[1]), handler.route)


def _placeholder(name: str) -> str:
    """Plainly something to be replaced: `CODE` for `code`."""
    return re.sub(r"\W+", "-", name).strip("-_").upper() or "X"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)


def _string(text: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's; only DEL has to be escaped on top."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
