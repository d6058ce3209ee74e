"""Keeps credentials out of reports.

Owns which names and shapes are secret and what stands in their place. It must not know where a text
is printed. Equal secrets get equal stand-ins (`***1`, `***2`, by first occurrence), so that "both
requests got the same token" can still be seen without seeing the token. A `Masker` lives for one
report: stand-ins mean nothing across reports.
"""

import re
from urllib.parse import unquote_plus

_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
    }
)
# `tokens` is what a rate limiter counts, and a raced value at that: the singular alone is a credential.
_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase|code)|pwd|secret|token(?!s|ize)|api[-_]?key|private[-_]?key|access[-_]?key"
    r"|authorization|cookie|session[-_]?(?:id|key)|credential|jwt|csrf|xsrf|\botp\b|\bpin\b|\bcvv\b",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie)(\s*:\s*)(?![\"'])([^\r\n\"}]+)",
)
_SCHEME = re.compile(
    r"(?i)\b(bearer\s+)([\w.~+/=-]{6,})|\b((?:basic|digest|negotiate)\s+)((?=\S*[\d=+/])[\w.~+/=-]{8,})"
)
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_FIELD = re.compile(
    r"(?P<quote>\\?[\"']?)(?P<name>[A-Za-z][\w.-]*)(?P=quote)(?P<sep>\s*[:=]\s*)"
    r"(?P<value>\\\"(?:[^\"\\]|\\[^\"])*\\\"|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&}\])\"']+)"
)
_USERINFO = re.compile(r"^([A-Za-z][\w+.-]*://)([^/@?#]+)@")
_STAND_IN = re.compile(r"\*\*\*\d+")


def is_secret_name(name: str) -> bool:
    """Whether a header, field or parameter of this name holds a credential."""
    return name.lower() in _HEADERS or _SECRET_NAME.search(name) is not None


class Masker:
    """Replaces secrets by stand-ins, equal ones alike."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def value(self, secret: str) -> str:
        """The stand-in of one secret; an empty value is no secret."""
        if not secret or _STAND_IN.fullmatch(secret):
            return secret
        return self._known.setdefault(secret, f"***{len(self._known) + 1}")

    def headers(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Headers with the values of credential headers replaced."""
        return tuple(
            (name, self.value(value) if is_secret_name(name) else self.text(value)) for name, value in headers
        )

    def target(self, target: str) -> str:
        """A request target with user information and secret query parameters replaced."""
        target = _USERINFO.sub(lambda found: f"{found[1]}{self.value(found[2])}@", target)
        path, mark, query = target.partition("?")
        if not mark:
            return target
        pairs = []
        for pair in query.split("&"):
            name, equals, value = pair.partition("=")
            pairs.append(
                f"{name}={self.value(value)}" if equals and is_secret_name(unquote_plus(name)) else pair
            )
        return f"{path}?{'&'.join(pairs)}"

    def text(self, text: str) -> str:
        """Free text, a body or a printed value with what looks like a credential replaced."""
        text = _HEADER_LINE.sub(lambda found: f"{found[1]}{found[2]}{self.value(found[3].strip())}", text)
        text = _SCHEME.sub(
            lambda found: f"{found[1] or found[3]}{self.value(found[2] or found[4])}",
            text,
        )
        text = _FIELD.sub(self._field, text)
        return _JWT.sub(lambda found: self.value(found[0]), text)

    def named(self, name: str, value: str) -> str:
        """The value of something called `name`: wholly secret, or text that may hold a secret."""
        return self.value(value) if is_secret_name(name) else self.text(value)

    def _field(self, found: re.Match[str]) -> str:
        value = found["value"]
        if not is_secret_name(found["name"]):
            return found[0]
        bare = value.strip("\\\"'")
        # `token: Bearer …` keeps its scheme: what follows was replaced already.
        if not bare or bare.lower() in {"bearer", "basic", "digest", "negotiate", "none", "null"}:
            return found[0]
        start = value.index(bare)
        masked = value[:start] + self.value(bare) + value[start + len(bare) :]
        return found[0][: found.start("value") - found.start()] + masked
