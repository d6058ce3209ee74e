"""An example value for a Rust type, read from the type as it is written.

Owns the little grammar of types in signatures (references, lifetimes, generics, slices, tuples)
and the table of types whose textual or JSON form is common knowledge. It must not know requests
or configuration. A type it does not know is unknown: a guessed value would be refused at run
time, and the refusal mistaken for a tested handler.
"""

import re

from msgspec import Struct

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
"""A value as JSON has it."""

WORD = "deadheat"
"""What stands where any text will do."""


class UnknownTypeError(Exception):
    """No example is known for the type; the caller says so, or asks the user for one."""


class Type(Struct, frozen=True):
    """A type by its last name: `Option` of `str` for `Option<&'r str>`; `[]` is a slice or array."""

    name: str
    arguments: tuple["Type", ...] = ()

    def __str__(self) -> str:
        """Near enough to Rust."""
        inner = ", ".join(map(str, self.arguments))
        return {"[]": f"[{inner}]", "()": f"({inner})"}.get(self.name) or (
            f"{self.name}<{inner}>" if inner else self.name
        )


_TOKENS = re.compile(r"'\w+|r#\w+|\w+|::|[<>()\[\],;&*+=]|->")
_SKIPPED = frozenset({"&", "*", "mut", "const", "dyn", "impl", "::"})


def parse(text: str) -> Type:
    """The type written in `text`; lifetimes, references and module paths do not matter here."""
    tokens = [token for token in _TOKENS.findall(text) if token not in _SKIPPED and token[0] != "'"]
    found, _ = _parse(tokens, 0)
    return found


def _parse(tokens: list[str], at: int) -> tuple[Type, int]:
    name = ""
    while at < len(tokens) and re.match(r"\w", tokens[at]):
        name = tokens[at].removeprefix("r#")
        at += 1
    opening = tokens[at] if at < len(tokens) else ""
    if opening not in {"<", "(", "["}:
        return Type(name), at
    closing = {"<": ">", "(": ")", "[": "]"}[opening]
    arguments: list[Type] = []
    at += 1
    while at < len(tokens) and tokens[at] != closing:
        if tokens[at] == ";":  # the length of an array
            at = next((end for end in range(at, len(tokens)) if tokens[end] == closing), len(tokens))
            break
        before = at
        argument, at = _parse(tokens, at)
        if argument.name:
            arguments.append(argument)
        at += at == before  # a comma, or whatever this grammar does not have
    kind = name or {"[": "[]", "(": "()"}.get(opening, "")
    return Type(kind, tuple(arguments)), at + 1


TRANSPARENT = frozenset(
    {
        "Arc", "Box", "Capped", "Contextual", "Cow", "Form", "Json", "Lenient", "LenientForm", "Rc", "Result",
        "Strict", "Wrapping",
    }
)  # fmt: skip
"""Wrappers whose value is that of their first argument."""

LISTS = frozenset({"[]", "Vec", "VecDeque", "HashSet", "BTreeSet", "IndexSet", "SmallVec"})
MAPS = frozenset({"HashMap", "BTreeMap", "IndexMap", "Map"})

_INTEGER = re.compile(r"(NonZero)?[iuIU](8|16|32|64|128|size)|NonZero|Atomic[IU]\w+")
_FLOAT = re.compile(r"f(32|64)")

_TEXTS = {
    **dict.fromkeys(("String", "str", "RawStr", "PathBuf", "Path", "Segments", "OsString"), WORD),
    "char": "d",
    "Uuid": "00000000-0000-4000-8000-000000000001",
    "Ulid": "01J00000000000000000000000",
    "ObjectId": "000000000000000000000001",
    "IpAddr": "127.0.0.1",
    "Ipv4Addr": "127.0.0.1",
    "Ipv6Addr": "::1",
    "SocketAddr": "127.0.0.1:80",
    "SocketAddrV4": "127.0.0.1:80",
    "SocketAddrV6": "[::1]:80",
    "Url": "http://localhost/",
    "Decimal": "1.00",
    "BigDecimal": "1.00",
    "Date": "2026-01-01",
    "NaiveDate": "2026-01-01",
    "Time": "12:00:00",
    "NaiveTime": "12:00:00",
    "PrimitiveDateTime": "2026-01-01T12:00:00",
    "NaiveDateTime": "2026-01-01T12:00:00",
    "DateTime": "2026-01-01T12:00:00Z",
    "OffsetDateTime": "2026-01-01T12:00:00Z",
}  # fmt: skip


def example(type: Type) -> Value:
    """A value that the type's usual decoder accepts; None for an optional one nobody knows.

    Raises:
        UnknownTypeError: only the project knows what the type accepts.
    """
    if type.name in TRANSPARENT and type.arguments:
        return example(type.arguments[0])
    if type.name == "Option" and type.arguments:
        try:
            return example(type.arguments[0])
        except UnknownTypeError:
            return None
    if type.name in LISTS:
        return [example(argument) for argument in type.arguments[:1]]
    if type.name in MAPS or type.name in {"Value", "RawValue"}:
        return {}
    if type.name == "()":
        return [example(argument) for argument in type.arguments] or None
    if type.name == "bool":
        return True
    if _INTEGER.fullmatch(type.name):
        return 1
    if _FLOAT.fullmatch(type.name):
        return 1.0
    if type.name in _TEXTS:
        return _TEXTS[type.name]
    raise UnknownTypeError(str(type))
