"""Requests from routes: one request that reaches a handler, or the reason why there is none.

Owns the way from a handler's signature and the user's values to bytes on the wire (path, query,
form, JSON, text), as Rocket decodes them. It must not know whether the request will be welcome:
a guard may still refuse it, a key may not exist. What an answer says about that is told by
`deadheat.engine.answers`; together they keep a refused handler from passing for a tested one.
"""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

import msgspec

from deadheat.engine import stubs
from deadheat.engine.answers import explain_status, foreign_guards, opens_websocket
from deadheat.engine.examples import TRANSPARENT, WORD, Type, UnknownTypeError, Value, example, parse
from deadheat.engine.routes import Part, parse_template
from deadheat.model.config import Config, Given, Scalar, as_text
from deadheat.model.http import MESSAGE, Request
from deadheat.model.run import NotTested
from deadheat.model.source import Handler, Parameter, ParameterKind

__all__ = ["CONTENT_TYPES", "explain_status", "foreign_guards", "synthesise"]

CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
    "bytes": "application/octet-stream",
}

_DECODERS = {
    "Json": "json",
    "Form": "form",
    "LenientForm": "form",
    "String": "text",
    "str": "text",
    "RawStr": "text",
    "Vec": "bytes",
    "[]": "bytes",
    "Data": "bytes",
    "TempFile": "bytes",
    "Bytes": "bytes",
}
"""How a data guard decodes the body, where the reader did not say."""


class _MissingError(Exception):
    """Values that only the user has: (name, what it is) pairs."""

    def __init__(self, *names: tuple[str, str]) -> None:
        super().__init__(names)
        self.names = names


class _UnspeakableError(Exception):
    """A body that no value can describe; `content` is the TOML of a request that has one."""

    def __init__(self, why: str, content: str) -> None:
        super().__init__(why)
        self.why = why
        self.content = content


def synthesise(handler: Handler, config: Config) -> Request | NotTested:
    """A request that Rocket routes to `handler`, its parameters filled from types and `config`.

    The user's values win over examples; the common headers are sent with it. A handler that opens a
    WebSocket is sent a message (`message` among the values). When a type is not
    common knowledge and nobody gave a value, the result says what is missing and how to give it.
    """
    parameters = {parameter.name.removeprefix("r#"): parameter for parameter in handler.parameters}
    segments, query = parse_template(handler.route)
    try:
        path = "".join(
            "/" + text for part in segments for text in _segments(part, parameters, handler, config)
        )
        fields = [field for part in query for field in _query(part, parameters, handler, config)]
        named = {part.text for part in query}
        for name, parameter in parameters.items():  # a reader may keep the query out of the route
            if parameter.kind is ParameterKind.QUERY and name not in named:
                fields += _fields(name, _filled(parameter, handler, config))
        kind, body = _body(parameters.values(), handler, config)
    except _MissingError as missing:
        names = ", ".join(f"`{name}` ({what})" for name, what in missing.names)
        return NotTested(
            handler.endpoint,
            f"no value is known for {names}",
            stubs.values(handler, missing.names),
        )
    except _UnspeakableError as unspeakable:
        return NotTested(handler.endpoint, unspeakable.why, stubs.table(handler, unspeakable.content))
    headers = config.headers
    if kind is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers += (("content-type", kind),)
    if path and handler.route.partition("?")[0].endswith("/"):
        path += "/"  # `/a` and `/a/` are two routes
    target = (path or "/") + ("?" + "&".join(fields) if fields else "")
    if opens_websocket(handler):
        return Request(MESSAGE, target, config.headers, _message(handler, config))
    return Request(handler.method, target, headers, body)


def _message(handler: Handler, config: Config) -> bytes:
    """The message that is sent over a WebSocket: no signature tells what a handler wants to hear."""
    given = config.value(handler, "message")
    return (as_text(given) if isinstance(given, str | int | float) else WORD).encode()


def _segments(
    part: Part, parameters: Mapping[str, Parameter], handler: Handler, config: Config
) -> Iterator[str]:
    """The path segments, percent-encoded, that one part of a route stands for."""
    if not part.dynamic:
        yield part.text
        return
    parameter = parameters.get(part.text) or Parameter(part.text or WORD, "String", ParameterKind.PATH)
    value = _filled(parameter, handler, config)
    if value is None or isinstance(value, list | dict):
        raise _MissingError((parameter.name, parameter.type))
    texts = as_text(value).split("/") if part.trailing else [as_text(value)]
    filled = [quote(text, safe="") for text in texts if text]
    if not filled and not part.trailing:  # Rocket does not route an empty segment to a parameter
        raise _MissingError((parameter.name, f"{parameter.type}, not empty"))
    yield from filled


def _query(
    part: Part, parameters: Mapping[str, Parameter], handler: Handler, config: Config
) -> Iterator[str]:
    """The `name=value` fields that one part of a route's query stands for."""
    if not part.dynamic:
        yield part.text
        return
    if part.text not in parameters:
        return
    value = _filled(parameters[part.text], handler, config)
    if part.trailing and isinstance(value, dict):
        for name, inner in value.items():
            yield from _fields(name, inner)
    else:
        yield from _fields(part.text, value)


def _fields(name: str, value: Value) -> Iterator[str]:
    """A form field as Rocket names it: `a.b` for a field of a struct, `a` again for each of a list."""
    match value:
        case None:
            return
        case dict():
            for key, inner in value.items():
                yield from _fields(f"{name}.{key}", inner)
        case list():
            for index, inner in enumerate(value):
                nested = isinstance(inner, dict | list)
                yield from _fields(f"{name}[{index}]" if nested else name, inner)
        case _:
            yield f"{quote(name, safe='.[]')}={quote(as_text(value), safe='')}"


def _filled(parameter: Parameter, handler: Handler, config: Config) -> Value:
    """The user's value of a parameter, or one made of its fields, or an example of its type."""
    given = config.value(handler, parameter.name.removeprefix("r#"))
    if given is not None and not (isinstance(given, Mapping) and parameter.fields):
        return _plain(given)
    whole = parse(parameter.type)
    while whole.name in TRANSPARENT | {"Option"} and whole.arguments:
        whole = whole.arguments[0]
    if not parameter.fields:
        return _example(parameter.name, parse(parameter.type))
    filled = _struct(parameter, handler, config, given if isinstance(given, Mapping) else {})
    return [filled] if whole.name in {"Vec", "[]"} else filled


def _struct(
    parameter: Parameter, handler: Handler, config: Config, given: Mapping[str, Scalar]
) -> dict[str, Value]:
    """A value for each field; names with dots are fields of fields. All that is missing is told at once."""
    filled: dict[str, Value] = {}
    missing: list[tuple[str, str]] = []
    for name, type in parameter.fields:
        value = given[name] if name in given else config.value(handler, name)
        try:
            plain = _example(name, parse(type)) if value is None else _plain(value)
        except _MissingError as error:
            missing += error.names
            continue
        *outer, last = name.removeprefix("r#").split(".")
        inside = filled
        for key in outer:
            inside = inside.setdefault(key, {})  # type: ignore[assignment]
        inside[last] = plain
    if missing:
        raise _MissingError(*missing)
    return filled


def _example(name: str, type: Type) -> Value:
    try:
        return example(type)
    except UnknownTypeError as unknown:
        raise _MissingError((name, str(unknown))) from None


def _plain(given: Given) -> Value:
    """The user's value as a JSON value."""
    if isinstance(given, Mapping):
        return dict(given)
    return [*given] if isinstance(given, list) else given


def _body(parameters: Iterable[Parameter], handler: Handler, config: Config) -> tuple[str | None, bytes]:
    """Content type and body for the handler's data guard, nothing where it has none."""
    for parameter in parameters:
        if parameter.kind is not ParameterKind.DATA:
            continue
        format = parameter.format or _decoder(parse(parameter.type))
        given = config.value(handler, parameter.name)
        if format not in CONTENT_TYPES and isinstance(given, str):
            format = "text"
        if format not in CONTENT_TYPES:
            raise _UnspeakableError(f"`{parameter.type}` decodes the body in a way of its own", 'body = ""')
        return CONTENT_TYPES[format], _encoded(format, parameter, handler, config)
    return None, b""


def _decoder(type: Type) -> str | None:
    while type.name in TRANSPARENT - _DECODERS.keys() | {"Option"} and type.arguments:
        type = type.arguments[0]
    return _DECODERS.get(type.name)


def _encoded(format: str, parameter: Parameter, handler: Handler, config: Config) -> bytes:
    if format in {"text", "bytes"}:
        given = config.value(handler, parameter.name)
        return (as_text(given) if isinstance(given, str | int | float) else WORD).encode()
    if format == "form" and any("TempFile" in type for _, type in parameter.fields):
        raise _UnspeakableError(
            "its form takes a file",
            'headers = { content-type = "multipart/form-data; boundary=b" }, body = ""',
        )
    try:
        value = _filled(parameter, handler, config)
    except _MissingError as missing:
        if parameter.fields:
            raise
        # The type of the whole body is foreign: no `[values]` key would be its name.
        why = f"no value is known for the body ({missing.names[0][1]})"
        raise _UnspeakableError(why, f"{format} = {{}}") from None
    if format == "json":
        return msgspec.json.encode(value)
    fields = value.items() if isinstance(value, dict) else [(parameter.name, value)]
    return "&".join(field for name, inner in fields for field in _fields(name, inner)).encode()
