"""Route templates: their parts, and which handler a request reaches.

Owns Rocket's route syntax (`/shop/<id>/<path..>?lang=en&<page>&<rest..>`). It must not know
values. Where several routes match, the most specific one wins, as by Rocket's default ranks.
"""

from collections.abc import Iterable
from urllib.parse import unquote

from msgspec import Struct

from deadheat.model.http import Request
from deadheat.model.source import Handler


class Part(Struct, frozen=True):
    """A segment of a path or a field of a query.

    `text` is the literal, or the name of a dynamic part (empty for `<_>`), of which `trailing`
    (`<path..>`) takes all that is left.
    """

    text: str
    dynamic: bool = False
    trailing: bool = False


def parse_template(route: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The segments of the path and the fields of the query of a route template."""
    path, _, query = route.partition("?")
    segments = tuple(_part(text) for text in path.split("/") if text)
    return segments, tuple(_part(text) for text in query.split("&") if text)


def _part(text: str) -> Part:
    if not (text.startswith("<") and text.endswith(">")):
        return Part(text)
    name = text[1:-1]
    trailing = name.endswith("..")
    name = name.removesuffix("..").strip().removeprefix("r#")
    return Part("" if name == "_" else name, dynamic=True, trailing=trailing)


def handler_of(request: Request, handlers: Iterable[Handler]) -> Handler | None:
    """The mounted handler that Rocket would give the request to first, None when no route fits."""
    matching = [(rank, handler) for handler in handlers if (rank := _rank(request, handler)) is not None]
    return max(matching, key=lambda pair: pair[0])[1] if matching else None


def _rank(request: Request, handler: Handler) -> tuple[int, ...] | None:
    """How specifically the route matches, segment by segment: literal, dynamic, trailing."""
    method = "GET" if request.message else request.method  # how a WebSocket is opened
    if not handler.mounted or handler.method != method:
        return None
    path = request.target.partition("?")[0]
    given = [unquote(text) for text in path.split("/") if text]
    rank: list[int] = []
    segments, _ = parse_template(handler.route)
    for index, segment in enumerate(segments):
        if segment.trailing:
            return (*rank, 0)
        if index >= len(given) or not (segment.dynamic or segment.text == given[index]):
            return None
        rank.append(1 if segment.dynamic else 2)
    return tuple(rank) if len(given) == len(segments) else None
