"""Requests from the places where people have them: curl, raw text, HAR, Burp, OpenAPI.

Owns which formats there are and how one is told from another. It must not send anything. A format
is one file here with `parse(text) -> tuple[Imported, ...]` and `write`, and one line in `FORMATS`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from deadheat.io.imports import burp, curl, har, openapi, raw
from deadheat.io.imports.imported import Imported, ImportMistake
from deadheat.model import ProjectError

Parse = Callable[[bytes], tuple[Imported, ...]]

FORMATS: Mapping[str, Parse] = MappingProxyType(
    {
        "curl": curl.parse,
        "raw": raw.parse,
        "har": har.parse,
        "burp": burp.parse,
        "openapi": openapi.parse,
    }
)


def load(path: Path, kind: str | None = None) -> tuple[Imported, ...]:
    """The requests in a file; what it is can be told from its content.

    Raises:
        ProjectError: it cannot be read, or is none of the formats; names file and mend.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        found = FORMATS[kind or sniff(data)](data)
    except ImportMistake as mistake:
        raise ProjectError(f"{path}: {mistake}") from None
    if not found:
        raise ProjectError(f"{path}: there is no request in it")
    return found


def sniff(data: bytes) -> str:
    """The format that some content is in.

    Raises:
        ImportMistake: none that is known.
    """
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:4096]
    if start.startswith((b"curl ", b"curl\\", b"$ curl ")):
        return "curl"
    if start.startswith(b"<"):
        return "burp"
    if start.startswith(b"{"):
        return "har" if b'"log"' in start else "openapi"
    if b"openapi:" in start or b"swagger:" in start:
        return "openapi"
    if b" HTTP/" in start.split(b"\n", 1)[0]:
        return "raw"
    raise ImportMistake(f"none of {', '.join(FORMATS)}; say which it is")


__all__ = ["FORMATS", "ImportMistake", "Imported", "load", "sniff"]
