"""A curl command line, as browsers and API documentation give it.

Owns the options of curl that make a request, and the quoting of the shells they are pasted from.
argparse reads the options; `shlex` does not know the `$'…'` of bash, which browsers write whenever
a body has a quote in it, so words are split here.
"""

import argparse
import base64
import codecs
import re
import shlex
from collections.abc import Iterator
from typing import NoReturn
from urllib.parse import quote, quote_plus

from deadheat.io.imports.imported import Imported, ImportMistake, made, parts
from deadheat.model import Origin, TargetError

_WORD = re.compile(
    r"""\\\r?\n|\\(?P<plain>.)|'(?P<single>[^']*)'|\$'(?P<ansi>(?:[^'\\]|\\.)*)'"""
    r"""|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<space>\s+)|(?P<bare>[^\s'"\\$]+|\$)""",
    re.DOTALL,
)
_IGNORED_FLAGS = (
    "-s", "-S", "-L", "-i", "-v", "-f", "-g", "-N", "-#", "--silent", "--show-error", "--location",
    "--include", "--verbose", "--fail", "--compressed", "--http1.1", "--http2",
    "--http2-prior-knowledge", "--globoff", "--no-buffer", "--progress-bar",
    "--path-as-is", "--tlsv1.2", "--tlsv1.3",
)  # fmt: skip
_IGNORED_VALUES = (
    "-o", "-m", "-w", "--output", "--max-time", "--connect-timeout", "--write-out", "--retry", "--max-redirs",
)  # fmt: skip


_LONG = {
    "-X": "--request", "-H": "--header", "-d": "--data", "-u": "--user", "-b": "--cookie",
    "-A": "--user-agent", "-e": "--referer", "--request": "--request", "--header": "--header",
    "--data": "--data", "--data-ascii": "--data-ascii", "--data-raw": "--data-raw",
    "--data-binary": "--data-binary", "--data-urlencode": "--data-urlencode", "--json": "--json",
    "--url": "--url", "--user": "--user",
    "--cookie": "--cookie", "--user-agent": "--user-agent", "--referer": "--referer",
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ImportMistake(f"curl: {message}")


class _Piece(argparse.Action):
    """One more piece of the body, with the option that gave it."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        namespace.pieces.append((option or "", str(values)))


def _parser() -> _Parser:
    parser = _Parser(prog="curl", add_help=False, allow_abbrev=False)
    parser.add_argument("-X", "--request", dest="method")
    parser.add_argument("-H", "--header", dest="headers", action="append", default=[])
    parser.add_argument(
        "-d", "--data", "--data-ascii", "--data-raw", "--data-binary",
        "--data-urlencode", "--json", action=_Piece,
    )  # fmt: skip
    parser.add_argument("-u", "--user")
    parser.add_argument("-b", "--cookie")
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-e", "--referer")
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-k", "--insecure", action="store_true")
    parser.add_argument("--url", dest="urls", action="append", default=[])
    parser.add_argument("positional", nargs="*", default=[])
    parser.add_argument(*_IGNORED_FLAGS, dest="ignored", action="store_true")
    parser.add_argument(*_IGNORED_VALUES, dest="ignored_value", action="append")
    parser.set_defaults(pieces=[])
    return parser


def parse(data: bytes) -> tuple[Imported, ...]:
    """The request that a command line makes.

    Raises:
        ImportMistake: it is no curl command, or one that needs more than its own text (a file).
    """
    try:
        words = list(split(data.decode("utf-8").strip()))
    except UnicodeDecodeError:
        raise ImportMistake("not UTF-8") from None
    if words[:1] == ["$"]:
        del words[0]
    if words[:1] != ["curl"]:
        raise ImportMistake("not a curl command line: it starts with `curl`")
    given = _parser().parse_intermixed_args(_joined(words[1:]))
    urls = [*given.urls, *given.positional]
    if len(urls) != 1:
        raise ImportMistake(f"curl: {len(urls)} URLs; one request has one")
    url = urls[0] if "://" in urls[0] else f"http://{urls[0]}"
    body = b"&".join(_piece(option, text) for option, text in given.pieces)
    if given.get and body:
        url += ("&" if "?" in url else "?") + body.decode("latin-1")
        body = b""
    method = given.method or ("HEAD" if given.head else "POST" if given.pieces and not given.get else "GET")
    try:
        origin, target = parts(quote(url, safe="/?:@!$&'()*+,;=%-._~[]|^`{}\"<>\\#"))
    except TargetError as error:
        raise ImportMistake(f"curl: {error}") from None
    if given.insecure:
        origin = Origin(origin.scheme, origin.host, origin.port, insecure=True)
    return (made(method, target, _headers(given, bool(body)), body, origin),)


def write(imported: Imported) -> str:
    """The command line for bash that makes the request."""
    request = imported.request
    words = ["curl", "-X", request.method, f"{imported.origin or 'http://localhost:80'}{request.target}"]
    if imported.origin and imported.origin.insecure:
        words.append("-k")
    for name, value in request.headers:
        # To curl `Name:` takes a header away; `Name;` sends it empty.
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if not any(name.lower() == "content-type" for name, _ in request.headers) and request.body:
        words += ["-H", "Content-Type:"]
    line = shlex.join(words)
    return f"{line} --data-raw {_ansi(request.body)}" if request.body else line


def _joined(words: list[str]) -> list[str]:
    """Options together with their values: to argparse a value that starts with `-` is an option."""
    result: list[str] = []
    rest = iter(words)
    for word in rest:
        option = _LONG.get(word, word)
        if option in _LONG.values():
            value = next(rest, None)
            if value is None:
                raise ImportMistake(f"curl: {word} needs a value")
            result.append(f"{option}={value}")
        else:
            result.append(word)
    return result


def _headers(given: argparse.Namespace, body: bool) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    removed: set[str] = set()
    for line in given.headers:
        name, colon, value = line.partition(":")
        if colon and not value.strip():
            removed.add(name.strip().lower())
        elif colon:
            headers.append((name.strip(), value.strip()))
        elif line.endswith(";"):
            headers.append((line[:-1].strip(), ""))
    present = {name.lower() for name, _ in headers} | removed
    if given.user:
        headers.append(("Authorization", f"Basic {base64.b64encode(given.user.encode()).decode()}"))
    for name, value in (
        ("Cookie", given.cookie),
        ("User-Agent", given.user_agent),
        ("Referer", given.referer),
    ):
        if value:
            headers.append((name, value))
    if body and "content-type" not in present:
        json = any(option == "--json" for option, _ in given.pieces)
        headers.append(("Content-Type", "application/json" if json else "application/x-www-form-urlencoded"))
        if json and "accept" not in present:
            headers.append(("Accept", "application/json"))
    return tuple(headers)


def _piece(option: str, text: str) -> bytes:
    if option == "--data-urlencode":
        name, equals, value = text.partition("=")
        if "@" in name:
            raise ImportMistake(f"curl: {option} {text} reads a file; put its content here")
        return (f"{name}={quote_plus(value)}" if equals and name else quote_plus(value or name)).encode()
    if text.startswith("@") and option != "--data-raw":
        raise ImportMistake(f"curl: {option} {text} reads a file; put its content here")
    # Bytes beyond UTF-8 came in as `$'\xff'`; they are kept as surrogates by `split`.
    data = text.encode("utf-8", "surrogateescape")
    return data if option in {"--data-binary", "--data-raw", "--json"} else re.sub(rb"[\r\n]", b"", data)


def split(text: str) -> Iterator[str]:
    """The words of a command line for bash; nothing in it is run or expanded.

    Raises:
        ImportMistake: a quote that is not closed.
    """
    word: list[str] | None = None
    at = 0
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise ImportMistake(f"a quote is not closed: {text[at : at + 20]}…")
        at = found.end()
        kind = found.lastgroup
        if kind is None:
            continue
        if kind == "space":
            if word is not None:
                yield "".join(word)
            word = None
            continue
        piece = found[kind]
        if kind == "ansi":
            piece = _unescape(piece)
        elif kind == "double":
            piece = re.sub(r"\\([$`\"\\\n])", lambda hit: hit[1].strip("\n"), piece)
        word = [*(word or []), piece]
    if word is not None:
        yield "".join(word)


def _unescape(text: str) -> str:
    r"""The inside of `$'…'`: escapes as in C; `\xHH` are bytes, `\uHHHH` characters."""
    data = b""
    for hit in re.finditer(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,3}|.)|([^\\]+)", text, re.DOTALL):
        escape, plain = hit[1], hit[2]
        if plain is not None:
            data += plain.encode("utf-8")
        elif escape[0] == "u" and len(escape) > 1:
            data += chr(int(escape[1:], 16)).encode("utf-8", "surrogatepass")
        elif escape[0] == "x" and len(escape) > 1:
            data += bytes([int(escape[1:], 16)])
        elif escape[0] in "01234567":
            data += bytes([int(escape, 8) & 255])
        else:
            data += (
                codecs.decode(f"\\{escape}", "unicode_escape").encode()
                if escape in "abfnrtv"
                else escape.encode()
            )
    return data.decode("utf-8", "surrogateescape")


def _ansi(data: bytes) -> str:
    """Bytes as bash's `$'…'`."""
    safe = {ord("'"): "\\'", ord("\\"): "\\\\"}
    return "$'" + "".join(safe.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in data) + "'"
