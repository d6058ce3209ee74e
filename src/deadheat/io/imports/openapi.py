"""OpenAPI 3 descriptions: one request for each operation, with values it says are good.

Owns the choice of those values: an example, a default, the first of an enumeration, else the least
that the schema admits. The model of a description is openapi-pydantic's (`pip install
deadheat[openapi]`); YAML is PyYAML's safe subset.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from deadheat.io.imports.imported import Imported, ImportMistake, made, parts
from deadheat.model import Origin

if TYPE_CHECKING:
    from openapi_pydantic import OpenAPI, Operation

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_FORMATS = {
    "date": "2024-01-01", "date-time": "2024-01-01T00:00:00Z", "email": "ada@example.org",
    "uuid": "00000000-0000-4000-8000-000000000001", "uri": "http://example.org/", "ipv4": "192.0.2.1",
}  # fmt: skip
_DEEP = 8
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def parse(data: bytes) -> tuple[Imported, ...]:
    """A request for each operation that can be written down.

    Raises:
        ImportMistake: it is no OpenAPI 3 description, or the extra is not installed.
    """
    api = _load(data)
    origin, base = _server(api)
    found = []
    for path, item in (api.paths or {}).items():
        shared = list(item.parameters or [])
        for method in _METHODS:
            operation: Operation | None = getattr(item, method, None)
            if operation is not None:
                found.append(_Sampler(api).request(method, base + path, operation, shared, origin))
    return tuple(found)


def write(found: tuple[Imported, ...]) -> bytes:
    """A description whose examples are these requests; of two with one method and path the last stays."""
    paths: dict[str, dict[str, object]] = {}
    origin = next((each.origin for each in found if each.origin), None)
    for each in found:
        request = each.request
        path, _, query = request.target.partition("?")
        parameters: list[dict[str, object]] = [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "example": value}
            for name, value in request.headers
            if name.lower() != "content-type"
        ]
        parameters += [
            {"name": name, "in": "query", "required": True, "schema": {}, "example": value}
            for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)
        ]
        operation: dict[str, object] = {"responses": {}, "parameters": parameters}
        if request.body:
            content = {JSON: {"example": msgspec.json.decode(request.body)}}
            operation["requestBody"] = {"content": content}
        paths.setdefault(path, {})[request.method.lower()] = operation
    document: dict[str, object] = {
        "openapi": "3.1.0",
        "info": {"title": "requests", "version": "1"},
        "paths": paths,
    }
    if origin is not None:
        document["servers"] = [{"url": str(origin)}]
    return msgspec.json.encode(document)


def _load(data: bytes) -> "OpenAPI":
    try:
        import yaml
        from openapi_pydantic import OpenAPI
        from openapi_pydantic.v3.v3_0 import OpenAPI as OpenAPI30
        from pydantic import ValidationError
    except ImportError:
        raise ImportMistake("reading OpenAPI takes an extra: pip install 'deadheat[openapi]'") from None
    try:
        document = _json(data) or yaml.safe_load(data)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise ImportMistake(f"neither JSON nor YAML{where}") from None
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise ImportMistake("not OpenAPI 3: convert a Swagger 2 description first")
    try:
        if str(document["openapi"]).startswith("3.0"):
            # What we read of the two versions has the same names.
            return cast("OpenAPI", OpenAPI30.model_validate(document))
        return OpenAPI.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise ImportMistake(f"not OpenAPI: {first['msg']} at {'.'.join(map(str, first['loc']))}") from None


def _json(data: bytes) -> object:
    """JSON is nearly YAML, but YAML forbids some of its characters and folds others."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None


def _server(api: "OpenAPI") -> tuple[Origin | None, str]:
    url = api.servers[0].url if api.servers else "/"
    for name, variable in (api.servers[0].variables or {}).items() if api.servers else ():
        url = url.replace(f"{{{name}}}", variable.default)
    if urlsplit(url).scheme in {"http", "https"}:
        origin, target = parts(url)
        return origin, target.rstrip("/")
    return None, url.rstrip("/")


class _Sampler:
    """Writes requests with the values that a description gives."""

    def __init__(self, api: "OpenAPI") -> None:
        self._api = api

    def request(
        self, method: str, path: str, operation: "Operation", shared: Sequence[object], origin: Origin | None
    ) -> Imported:
        query: list[str] = []
        headers: list[tuple[str, str]] = []
        cookies: list[str] = []
        own = [self._resolved(each) for each in (*(operation.parameters or []), *shared)]
        taken: set[tuple[object, object]] = set()
        for each in own:
            name, place = (
                str(getattr(each, "name", "")),
                str(getattr(each, "param_in", "")).split(".")[-1].lower(),
            )
            if (name, place) in taken or not (getattr(each, "required", False) or place == "path"):
                continue
            taken.add((name, place))
            value = self._text(self._value(each))
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(value, safe=""))
            elif place == "query":
                query.append(f"{quote(name, safe='%+')}={quote(value, safe=_QUERY_SAFE)}")
            elif place == "cookie":
                cookies.append(f"{name}={value}")
            elif name.lower() not in {"accept", "content-type", "authorization"}:
                headers.append((name, value))
        if cookies:
            headers.append(("cookie", "; ".join(cookies)))
        kind, body = self._body(operation)
        if kind:
            headers.append(("content-type", kind))
        target = path + (f"?{'&'.join(query)}" if query else "")
        name = operation.operationId or operation.summary or ""
        return made(method, target, tuple(headers), body, origin, name)

    def _body(self, operation: "Operation") -> tuple[str, bytes]:
        asked = self._resolved(operation.requestBody)
        content: Mapping[str, object] = getattr(asked, "content", None) or {}
        for kind in (JSON, FORM, *content):
            if kind not in content:
                continue
            value = self._value(content[kind])
            if kind == FORM and isinstance(value, dict):
                return kind, urlencode({key: self._text(item) for key, item in value.items()}).encode()
            if "json" in kind:
                return kind, msgspec.json.encode(value)
            return kind, self._text(value).encode()
        return "", b""

    def _value(self, given: object) -> object:
        """The value of a parameter or a body: its example, else one of its schema."""
        if "example" in getattr(given, "model_fields_set", ()):
            return getattr(given, "example", None)
        for example in (getattr(given, "examples", None) or {}).values():
            return getattr(self._resolved(example), "value", None)
        schema = getattr(given, "param_schema", None) or getattr(given, "media_type_schema", None)
        return self._sample(schema, 0)

    def _sample(self, schema: object, depth: int) -> object:
        schema = self._resolved(schema)
        if schema is None or depth > _DEEP:
            return "a"
        given: set[str] = getattr(schema, "model_fields_set", set())
        for field in ("example", "default", "const"):
            if field in given:
                return getattr(schema, field)
        for field in ("examples", "enum"):
            several = getattr(schema, field, None)
            if several:
                return several[0]
        merged = getattr(schema, "allOf", None)
        if merged:
            parts_of = [self._sample(each, depth + 1) for each in merged]
            return {key: value for part in parts_of if isinstance(part, dict) for key, value in part.items()}
        for field in ("oneOf", "anyOf"):
            several = getattr(schema, field, None)
            if several:
                return self._sample(several[0], depth + 1)
        return self._least(schema, depth)

    def _least(self, schema: object, depth: int) -> object:
        properties: Mapping[str, object] = getattr(schema, "properties", None) or {}
        kind = next(iter(_kinds(schema)), "object" if properties else "string")
        minimum = getattr(schema, "minimum", None)
        match kind:
            case "object":
                needed = getattr(schema, "required", None) or properties
                return {key: self._sample(properties.get(key), depth + 1) for key in needed}
            case "array":
                return [self._sample(getattr(schema, "items", None), depth + 1)]
            case "integer":
                return 1 if minimum is None else int(minimum)
            case "number":
                return 1.0 if minimum is None else minimum
            case "boolean":
                return True
            case "null":
                return None
            case _:
                text = _FORMATS.get(str(getattr(schema, "schema_format", "")), "a")
                return text.ljust(int(getattr(schema, "minLength", None) or 0), "a")

    def _resolved(self, given: object) -> object:
        """What a `$ref` within the document means; others cannot be followed."""
        for _ in range(_DEEP):
            ref = getattr(given, "ref", None)
            if not isinstance(ref, str):
                return given
            path = ref.split("/")
            if len(path) != 4 or path[:2] != ["#", "components"] or self._api.components is None:
                raise ImportMistake(f"$ref {ref}: only #/components/… can be followed")
            known = getattr(self._api.components, path[2], None) or {}
            if path[3] not in known:
                raise ImportMistake(f"$ref {ref}: there is no such component")
            given = known[path[3]]
        raise ImportMistake("a $ref leads in circles")

    @staticmethod
    def _text(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_QUERY_SAFE = "/?:@!$'()*,;%-._~+"


def _kinds(schema: object) -> Iterator[str]:
    given = getattr(schema, "type", None)
    for each in given if isinstance(given, list) else [given] if given else []:
        yield str(getattr(each, "value", each))
