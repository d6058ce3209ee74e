"""Handlers: route attributes, mounts, and what Rocket passes to each parameter.

Owns what Rocket 0.5 makes of `#[get("/x/<y>?<z>", data = "<d>")]`, `#[route(METHOD, uri = …)]`,
`routes![…]` and `.mount("/base", …)` (rocket_codegen's attribute grammar). It must not know what
handlers do. A handler that no mount reaches is kept and marked, because a reviewer wants to know.
"""

import re
from collections.abc import Set

from msgspec import Struct
from tree_sitter import Node

from deadheat.model import Guard, Handler, Parameter, ParameterKind
from deadheat.rust.items import Function, Module, Path, TypeItem, segments
from deadheat.rust.syntax import SourceFile, field_text, significant, string_value, text_of
from deadheat.rust.types import Type, Types, argument

_METHODS = frozenset({"get", "post", "put", "delete", "head", "patch", "options"})
_NAMED = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
_FIRST = re.compile(r'"([^"]*)"')
_PLACEHOLDER = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)(?:\.\.)?>")
_JSON = frozenset({"Json", "MsgPack"})
_FORM = frozenset({"Form", "LenientForm"})
_BYTES = frozenset({"Data", "TempFile", "Vec", "[array]"})
_AROUND = frozenset({"Option", "Result", "Strict", "Lenient", "Capped", "Contextual", "Debug", "Box"})


class Route(Struct, frozen=True):
    """A handler with the function behind it."""

    handler: Handler
    function: Function


class Known(Struct, frozen=True):
    """What was made of the same declarations before; bodies may have changed since."""

    mounts: dict[str, str]  # handler path → base
    handlers: dict[str, Handler]  # in the order of the functions
    telling: tuple[str, ...]  # files that may say what is mounted where

    @classmethod
    def of(cls, types: Types, mounts: dict[str, str], listed: list[Route]) -> "Known":
        """What the next reading is to know."""
        telling = [path for path, file in types.modules.files.items() if _is_telling(file)]
        return cls(mounts, {route.function.path: route.handler for route in listed}, tuple(telling))


def routes(
    types: Types, known: Known | None = None, changed: Set[str] = frozenset()
) -> tuple[list[Route], dict[str, str]]:
    """Every function with a route attribute, and the mounts; taken over where these files changed nothing."""
    files = types.modules.files
    if known is not None and not any(path in known.telling or _is_telling(files[path]) for path in changed):
        again: list[Route] = []
        for path, handler in known.handlers.items():
            places = (handler.span, *(guard.span for guard in handler.guards))
            if any(place is not None and place.file in changed for place in places):
                again += _route(types, types.functions[path], known.mounts)
            else:
                again.append(Route(handler, types.functions[path]))
        return again, known.mounts
    mounts = _mounts(types)
    return [one for function in types.functions.values() for one in _route(types, function, mounts)], mounts


def _is_telling(file: SourceFile) -> bool:
    return b"routes!" in file.text or b".mount(" in file.text or b"Route" in file.text


def _route(types: Types, function: Function, mounts: dict[str, str]) -> list[Route]:
    for attribute in function.attributes:
        parsed = _attribute(attribute)
        if parsed is not None:
            return [Route(_handler(types, function, *parsed, mounts), function)]
    return []


def _attribute(node: Node) -> tuple[str, str, str | None] | None:
    """Method, URI and data parameter of a route attribute; None for any other attribute."""
    name_node = next(iter(node.named_children), None)
    tokens = node.child_by_field_name("arguments")
    if name_node is None or tokens is None:
        return None
    path = segments(name_node)
    name = path[-1]
    if name not in _METHODS and name != "route":
        return None
    if len(path) > 1 and path[0] != "rocket":
        return None
    written = text_of(tokens)
    options = dict(_NAMED.findall(written))
    first = _FIRST.search(written)
    uri = options.get("uri") or (first.group(1) if first is not None else "")
    if not uri.startswith("/"):
        return None
    method = name.upper()
    if name == "route":
        stated = re.search(
            r"\b(?:Method::)?(Get|GET|Post|POST|Put|PUT|Delete|DELETE|Head|HEAD|Patch|PATCH|Options|OPTIONS)\b",
            written,
        )
        method = stated.group(1).upper() if stated is not None else "GET"
    data = options.get("data", "")
    return method, uri, data.strip("<>").removesuffix("..") or None


def _handler(
    types: Types,
    function: Function,
    method: str,
    uri: str,
    data: str | None,
    mounts: dict[str, str],
) -> Handler:
    path, _, query = uri.partition("?")
    in_path, in_query = set(_PLACEHOLDER.findall(path)), set(_PLACEHOLDER.findall(query))
    parameters: list[Parameter] = []
    guards: list[Guard] = []
    for node in function.parameters():
        pattern, written = node.child_by_field_name("pattern"), node.child_by_field_name("type")
        if pattern is None or written is None:
            continue
        name = text_of(pattern).removeprefix("mut ").removeprefix("r#")
        declared = types.read(written, function.module)
        if name in in_path:
            kind = ParameterKind.PATH
        elif name in in_query:
            kind = ParameterKind.QUERY
        elif name == data:
            kind = ParameterKind.DATA
        elif declared is not None and declared.short == "State":
            kind = ParameterKind.STATE
        else:
            kind = ParameterKind.GUARD
            guards.append(_guard(types, declared, text_of(written)))
        parameters.append(_parameter(types, function.module, name, written, declared, kind))
    base = mounts.get(function.path)
    where = function.node
    return Handler(
        function.path,
        method,
        _join(base or "", uri),
        function.file.span(where.start_byte + function.shift, where.end_byte + function.shift),
        tuple(guards),
        tuple(parameters),
        mounted=base is not None,
        is_async=function.is_async,
    )


def _join(base: str, uri: str) -> str:
    base = base.rstrip("/")
    if uri == "/" and base:
        return base
    return base + uri


def _guard(types: Types, declared: Type | None, written: str) -> Guard:
    inner = declared
    while inner is not None and inner.short in _AROUND and inner.args:
        inner = inner.args[0]
    block = types.implements.get((inner.name, "FromRequest")) if inner is not None else None
    if block is None:
        return Guard(written)
    node = block.node
    return Guard(written, block.file.span(node.start_byte + block.shift, node.end_byte + block.shift))


def _parameter(
    types: Types, module: Module, name: str, written: Node, declared: Type | None, kind: ParameterKind
) -> Parameter:
    format_, inner = None, declared
    if kind is ParameterKind.DATA:
        format_, inner = _format(declared, text_of(written))
    fields: tuple[tuple[str, str], ...] = ()
    if kind in (ParameterKind.DATA, ParameterKind.QUERY):
        fields = _fields(types, inner)
    return Parameter(name, " ".join(text_of(written).split()), kind, fields, format_)


def _format(declared: Type | None, written: str) -> tuple[str | None, Type | None]:
    """How the body is decoded, and the type it is decoded to."""
    for _ in range(6):
        if declared is None:
            break
        if declared.short in _JSON:
            return "json", argument(declared)
        if declared.short in _FORM:
            inner = argument(declared)
            while inner is not None and inner.short in _AROUND and inner.args:
                inner = inner.args[0]
            return "form", inner
        if declared.short in _BYTES:
            return "bytes", None
        if declared.short in ("String", "str", "RawStr", "Cow"):
            return "text", None
        if declared.short not in _AROUND or not declared.args:
            break
        declared = declared.args[0]
    if "Json<" in written:
        return "json", declared
    return ("bytes" if "[u8]" in written else None), declared


def _fields(types: Types, declared: Type | None) -> tuple[tuple[str, str], ...]:
    item = types.items.get(declared.name) if declared is not None else None
    if item is None or item.kind != "struct":
        return ()
    rename = _rename_all(item)
    found: list[tuple[str, str]] = []
    for field in item.fields:
        attributes = " ".join(field.attributes)
        if re.search(r"serde\([^)]*\bskip(_deserializing)?\b", attributes):
            continue
        stated = re.search(
            r'(?:field\([^)]*\bname\s*=\s*(?:uncased\()?|serde\([^)]*\brename\s*=\s*)"([^"]+)"', attributes
        )
        name = stated.group(1) if stated is not None else rename(field.name.removeprefix("r#"))
        found.append((name, " ".join(text_of(field.type).split())))
    return tuple(found)


class _Rename(Struct, frozen=True):
    style: str = ""

    def __call__(self, name: str) -> str:
        words = name.split("_")
        if self.style == "camelCase":
            return words[0] + "".join(word.capitalize() for word in words[1:])
        if self.style == "PascalCase":
            return "".join(word.capitalize() for word in words)
        if self.style == "kebab-case":
            return "-".join(words)
        if self.style == "SCREAMING_SNAKE_CASE":
            return name.upper()
        if self.style == "lowercase":
            return name.replace("_", "")
        return name


def _rename_all(item: TypeItem) -> _Rename:
    for attribute in item.attributes:
        found = re.search(r'rename_all\s*=\s*"([^"]+)"', text_of(attribute))
        if found is not None:
            return _Rename(found.group(1))
    return _Rename()


# ---------------------------------------------------------------------- mounts


def _mounts(types: Types) -> dict[str, str]:
    """Handler path → base it is mounted at."""
    direct: dict[str, str] = {}
    listed: dict[str, list[tuple[Module, Path]]] = {}  # function → what its routes![] names
    nested = _collectors(types)  # function → functions whose routes it passes on
    calls: list[tuple[str, str]] = []  # base, function that returns routes
    for module, node, function in _interesting(types):
        if node.type == "macro_invocation":
            names = [(module, name) for name in _listed(node)]
            base = _mount_around(types, module, node)
            if base is not None:
                for where, name in names:
                    direct.setdefault(types.modules.resolve(where, name), base)
            elif function is not None:
                listed.setdefault(function.path, []).extend(names)
        else:
            base_node, what = _mount_arguments(node)
            if base_node is not None and what is not None:
                base = _base(types, module, base_node)
                calls += [(base, types.modules.resolve(module, name)) for name in _called(what)]
    for base, callee in calls:
        pending, seen = [callee], {callee}
        while pending:
            one = pending.pop()
            for where, name in listed.get(one, ()):
                direct.setdefault(types.modules.resolve(where, name), base)
            more = [inner for inner in nested.get(one, ()) if inner not in seen]
            seen.update(more)
            pending += more
    return direct


def _collectors(types: Types) -> dict[str, list[str]]:
    """Functions that return routes, and which functions they call for them."""
    found: dict[str, list[str]] = {}
    for function in types.functions.values():
        if b"Route" not in function.signature:
            continue
        returned = function.node.child_by_field_name("return_type")
        body = function.body if returned is not None and b"Route" in (returned.text or b"") else None
        if body is not None:
            called = [types.modules.resolve(function.module, path) for path in _called(body)]
            found[function.path] = [path for path in called if path in types.functions]
    return found


def _interesting(types: Types) -> list[tuple[Module, Node, Function | None]]:
    """`routes![…]` invocations and `mount(…)` calls, with the function they stand in."""
    found: list[tuple[Module, Node, Function | None]] = []
    telling = {
        file.path for file in types.modules.files.values()
        if b"routes!" in file.text or b".mount(" in file.text
    }  # fmt: skip
    for function in types.functions.values():
        text = (function.body_text or b"") if function.file.path in telling else b""
        if b"routes!" not in text and b".mount(" not in text:
            continue
        body = function.body
        pending = [body] if body is not None else []
        while pending:
            node = pending.pop()
            if node.type == "macro_invocation":
                if field_text(node, "macro").split("::")[-1].endswith("routes"):
                    found.append((function.module, node, function))
            elif node.type == "call_expression":
                callee = node.child_by_field_name("function")
                if callee is not None and field_text(callee, "field") == "mount":
                    found.append((function.module, node, function))
            pending += node.named_children
    return found


def _listed(node: Node) -> list[Path]:
    tokens = next((child for child in node.named_children if child.type == "token_tree"), None)
    if tokens is None:
        return []
    text = text_of(tokens)[1:-1]
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    return [
        tuple(piece.strip().removeprefix("r#") for piece in part.strip().split("::"))
        for part in text.split(",")
        if re.fullmatch(r"[\w:\s#]+", part.strip())
    ]


def _mount_around(types: Types, module: Module, node: Node) -> str | None:
    current = node.parent
    while current is not None and current.type not in ("block", "function_item", "closure_expression"):
        if current.type == "call_expression":
            base, _ = _mount_arguments(current)
            if base is not None:
                return _base(types, module, base)
        current = current.parent
    return None


def _mount_arguments(call: Node) -> tuple[Node | None, Node | None]:
    callee, listed = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if callee is None or listed is None or field_text(callee, "field") != "mount":
        return None, None
    arguments = list(significant(listed))
    return (arguments[0], arguments[1]) if len(arguments) == 2 else (None, None)


def _base(types: Types, module: Module, node: Node) -> str:
    if node.type == "string_literal":
        return string_value(node)
    if node.type in ("identifier", "scoped_identifier"):
        static = types.statics.get(types.modules.resolve(module, segments(node)))
        value = static.node.child_by_field_name("value") if static is not None else None
        if value is not None and value.type == "string_literal":
            return string_value(value)
    return "/"


def _called(node: Node) -> list[Path]:
    """Functions called in the second argument of a mount."""
    found: list[Path] = []
    pending = [node]
    while pending:
        current = pending.pop()
        if current.type == "call_expression":
            callee = current.child_by_field_name("function")
            if callee is not None and callee.type in ("identifier", "scoped_identifier"):
                found.append(segments(callee))
        pending += current.named_children
    return found
