"""Drafts of scenarios: from a review of the source, or from the requests of a description.

Pure. Owns the text of a first `deadheat.toml`: what can be told is written down, what only the user
knows stands as a comment where it belongs. A draft parses as it is.
"""

from collections.abc import Iterator, Sequence

import msgspec

from deadheat.engine.requests import synthesise
from deadheat.model import AccessKind, Finding, Handler, NotTested, Origin, Request, Review
from deadheat.model.config import Config

_READS = frozenset({AccessKind.READ, AccessKind.ACQUIRE, AccessKind.RELEASE})
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_HEAD = """\
# What `deadheat attack` races, as drafted. Look through it: a name in a path may have to exist.
# Requests go to loopback only; another host takes a [[target]] with a note of who permitted it:
# [[target]]
# url = "https://staging.example"
# authorisation = "…"
#
# Who asks, where it matters:
# [principals.alice]
# login = [{ method = "POST", target = "/login", json = { name = "alice", password = "${PASSWORD}" },
#            extract = { token = { json = "/token" } } }]
# headers = { authorization = "Bearer {token}" }
"""


def from_review(review: Review, findings: Sequence[Finding], config: Config) -> str:
    """A scenario for each suspected race whose handlers can be asked, then for each that writes."""
    known = {handler.id: handler for handler in review.handlers}
    done: set[tuple[str, ...]] = set()
    parts = [_HEAD]
    for finding in findings:
        group = tuple(sorted(handler for handler in finding.handlers if handler in known))
        if group and group not in done and len(group) <= 2:
            done.add(group)
            words = f"{finding.code} {finding.title}"
            parts.append(_scenario([known[each] for each in group], words, review, config))
    covered = {handler for group in done for handler in group}
    parts += [
        _scenario([handler], "not suspected; it changes something", review, config)
        for handler in review.handlers
        if handler.mounted and handler.method in _UNSAFE and handler.id not in covered
    ]
    return "\n".join(parts)


def from_requests(requests: Sequence[tuple[Request, Origin | None, str]]) -> str:
    """A scenario for each request that may change something."""
    parts = [_HEAD]
    names: set[str] = set()
    for request, origin, name in requests:
        if request.method in _UNSAFE:
            title = name or str(request)
            while title in names:
                title += " again"
            names.add(title)
            where = f"for {origin}" if origin else "as described"
            parts.append(_table(f"{title} twice", [request, request], [], where))
    return "\n".join(parts)


def _scenario(handlers: Sequence[Handler], words: str, review: Review, config: Config) -> str:
    pair = [*handlers, *handlers][:2]
    made = [synthesise(handler, config) for handler in pair]
    missing = next((each for each in made if isinstance(each, NotTested)), None)
    name = " + ".join(dict.fromkeys(handler.name for handler in pair)) + (
        " twice" if len(handlers) == 1 else ""
    )
    if missing is not None:
        stub = "\n".join(f"# {line}" for line in missing.mend.splitlines())
        return f"# {name}: {words}\n# {missing.why}\n{stub}\n"
    requests = [each for each in made if isinstance(each, Request)]
    probes = [str(each) for each in _probes(handlers, review, config)]
    return _table(name, requests, probes, words)


def _probes(handlers: Sequence[Handler], review: Review, config: Config) -> Iterator[Request]:
    """Requests that only read a state which the racers touch."""
    touched = {access.state for access in review.accesses if access.handler in {h.id for h in handlers}}
    for handler in review.handlers:
        if handler.method != "GET" or not handler.mounted or handler in handlers:
            continue
        mine = [access for access in review.accesses if access.handler == handler.id]
        if any(access.state in touched for access in mine) and all(a.kind in _READS for a in mine):
            made = synthesise(handler, config)
            if isinstance(made, Request) and not made.message:
                yield made


def _table(name: str, racers: Sequence[Request], probes: Sequence[str], words: str) -> str:
    lines = ["[[scenario]]", f"# {' '.join(words.split())}", f"name = {_string(name)}", "racers = ["]
    lines += [f"  {_entry(racer)}," for racer in racers]
    lines.append("]")
    if probes:
        lines.append(f"probes = [{', '.join(map(_string, probes))}]")
    else:
        lines.append('# probes = ["GET /…"]               # what to look at afterwards')
    lines += [
        '# setup = ["POST /…"]               # what has to be there first',
        '# reset = ["POST /…"]               # how it starts over; or {round} in a name, fresh each time',
        '# invariants = ["successes <= 1"]   # what must hold; or recipe = "single-use-token"',
        "",
    ]
    return "\n".join(lines)


def _entry(request: Request) -> str:
    """A line where it says everything, else a table."""
    body = request.body.decode("utf-8", "replace")
    headers = ", ".join(f"{_string(key)} = {_string(value)}" for key, value in request.headers)
    if request.message:
        parts = [f"ws = {_string(request.target)}", f"message = {_string(body)}"]
        parts += [f"headers = {{ {headers} }}"] if headers else []
        return f"{{ {', '.join(parts)} }}"
    own = [pair for pair in request.headers if pair[0].lower() != "content-type"]
    if not own and "\n" not in body:
        return _string(f"{request} {body}".rstrip())
    parts = [f"method = {_string(request.method)}", f"target = {_string(request.target)}"]
    parts += [f"headers = {{ {headers} }}"] if headers else []
    parts += [f"body = {_string(body)}"] if body else []
    return f"{{ {', '.join(parts)} }}"


def _string(text: str) -> str:
    """A TOML basic string that refers to no variable: JSON's escapes are TOML's, but for DEL."""
    return msgspec.json.encode(text.replace("${", "$${")).decode().replace("\x7f", "\\u007f")
