"""A request as parts that can be left out or made simpler, and put together again.

Pure. Owns what of a request is optional to whoever reads it: headers, cookies, query parameters, form
fields, fields and items of JSON at any depth, the body as a whole. It must not know whether the
application agrees. The path stays as it is: it says which handler is meant, and mostly which resource.

Parts that lie in others have a greater `depth`: large ones are tried first (Misherghi and Su, *HDD:
hierarchical delta debugging*, ICSE 2006).
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property
from urllib.parse import quote_plus, unquote_plus

import msgspec
from msgspec import Struct

from deadheat.model import Request
from deadheat.report.secrets import is_secret_name

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Leaf = bool | int | float | str
_FORM = "application/x-www-form-urlencoded"


class Part(Struct, frozen=True, order=True):
    """A place in a request: of what kind, and where; `path` leads through JSON."""

    kind: str
    path: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """How many parts it lies in."""
        return 0 if self.kind == "body" else 2 if self.kind == "cookie" else max(len(self.path), 1)

    def within(self, other: "Part") -> bool:
        """Whether it lies in `other`, or is it."""
        whole = {"body": ("json", "form", "text"), "header": ("cookie",)}.get(other.kind, ())
        return self.kind in (other.kind, *whole) and self.path[: len(other.path)] == other.path


BODY = Part("body")


class Value(Struct, frozen=True):
    """What stands at a part that can be made simpler; `secret` where its name says so."""

    part: Part
    value: Leaf
    secret: bool = False


class Anatomy:
    """The parts of one request."""

    def __init__(self, request: Request) -> None:
        """Take it apart; what is not understood is one part, or none."""
        self._request = request
        self._path, mark, query = request.target.partition("?")
        self._query = query.split("&") if mark and query else []
        declared = next((value for name, value in request.headers if name.lower() == "content-type"), "")
        self._tree: Json = None
        self._form: list[str] = []
        self._text: str | None = None
        if declared.startswith(_FORM):
            self._form = request.body.decode("latin-1").split("&") if request.body else []
        elif "json" in declared or (not declared and request.body[:1] in {b"{", b"["}):
            self._tree = _decoded(request.body)
        elif (not declared or declared.startswith("text/")) and request.body:
            try:
                self._text = request.body.decode()
            except UnicodeDecodeError:
                self._text = None

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Everything that can be left out, the outermost first."""
        return tuple(sorted(self._parts(), key=lambda part: part.depth))

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Everything that can be made simpler."""
        return tuple(self._values())

    @property
    def opaque(self) -> bool:
        """Whether there is a body whose insides are not understood."""
        return bool(self._request.body) and self._tree is None and not self._form and self._text is None

    def without(self, left_out: Set[Part], simpler: Mapping[Part, Leaf]) -> Request:
        """Put together what is left, with simpler values where they are given."""
        return msgspec.structs.replace(
            self._request,
            target=self._target(left_out, simpler),
            headers=tuple(self._headers(left_out)),
            body=b"" if BODY in left_out else self._body(left_out, simpler),
        )

    # ------------------------------------------------------------------ take apart

    def _parts(self) -> Iterator[Part]:
        if self._request.body:
            yield BODY
        for index, (name, value) in enumerate(self._request.headers):
            yield Part("header", (str(index),))
            if name.lower() == "cookie" and ";" in value:
                for place in range(len(value.split(";"))):
                    yield Part("cookie", (str(index), str(place)))
        for index in range(len(self._query)):
            yield Part("query", (str(index),))
        for index in range(len(self._form)):
            yield Part("form", (str(index),))
        yield from (Part("json", path) for path, _ in _nodes(self._tree) if path)

    def _values(self) -> Iterator[Value]:
        for kind, pairs in (("query", self._query), ("form", self._form)):
            for index, pair in enumerate(pairs):
                name, equals, value = pair.partition("=")
                if equals and value:
                    secret = is_secret_name(unquote_plus(name))
                    yield Value(Part(kind, (str(index),)), unquote_plus(value), secret)
        for path, node in _nodes(self._tree):
            if isinstance(node, Leaf):
                yield Value(Part("json", path), node, any(map(is_secret_name, path)))
        if self._text:
            yield Value(Part("text"), self._text)

    # ---------------------------------------------------------------- put together

    def _target(self, left_out: Set[Part], simpler: Mapping[Part, Leaf]) -> str:
        query = "&".join(_pairs("query", self._query, left_out, simpler))
        return f"{self._path}?{query}" if query else self._path

    def _headers(self, left_out: Set[Part]) -> Iterator[tuple[str, str]]:
        for index, (name, value) in enumerate(self._request.headers):
            if Part("header", (str(index),)) in left_out:
                continue
            crumbs = value.split(";") if name.lower() == "cookie" else [value]
            kept = [c for n, c in enumerate(crumbs) if Part("cookie", (str(index), str(n))) not in left_out]
            yield name, value if len(kept) == len(crumbs) else ";".join(kept).strip()

    def _body(self, left_out: Set[Part], simpler: Mapping[Part, Leaf]) -> bytes:
        if self._form:
            return "&".join(_pairs("form", self._form, left_out, simpler)).encode("latin-1")
        if self._text is not None:
            return str(simpler.get(Part("text"), self._text)).encode()
        changed = any(part.kind == "json" for part in (*left_out, *simpler))
        if self._tree is None or not changed:
            return self._request.body
        return msgspec.json.encode(_rebuilt(self._tree, (), left_out, simpler))


def _decoded(body: bytes) -> Json:
    try:
        tree: Json = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return tree


def _nodes(tree: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Give every node with the way to it, those that hold others first."""
    if tree is None and not path:
        return
    yield path, tree
    for key, inner in _children(tree):
        yield from _nodes(inner, (*path, key))


def _children(tree: Json) -> Sequence[tuple[str, Json]]:
    if isinstance(tree, dict):
        return [*tree.items()]
    return [(str(index), item) for index, item in enumerate(tree)] if isinstance(tree, list) else []


def _rebuilt(tree: Json, path: tuple[str, ...], left_out: Set[Part], simpler: Mapping[Part, Leaf]) -> Json:
    if not isinstance(tree, dict | list):
        return simpler.get(Part("json", path), tree)
    kept = {
        key: _rebuilt(inner, (*path, key), left_out, simpler)
        for key, inner in _children(tree)
        if Part("json", (*path, key)) not in left_out
    }
    return kept if isinstance(tree, dict) else [*kept.values()]


def _pairs(
    kind: str, pairs: Sequence[str], left_out: Set[Part], simpler: Mapping[Part, Leaf]
) -> Iterator[str]:
    for index, pair in enumerate(pairs):
        part = Part(kind, (str(index),))
        if part in left_out:
            continue
        name = pair.partition("=")[0]
        yield f"{name}={quote_plus(str(simpler[part]))}" if part in simpler else pair
