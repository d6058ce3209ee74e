"""Who asks: logging in, cookies, and the values that requests refer to as `{name}`.

Owns binding. It must not know what is raced. Cookies are kept by name for each principal; their
attributes do not matter where all requests go to one origin.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from msgspec import structs

from deadheat.model import DeadheatError, Extract, Preparation, Principal, Request, Response, Source

Ask = Callable[[Request], Response]

_REFERENCE = re.compile(r"\{([A-Za-z_]\w*)\}")
_REFERENCE_BYTES = re.compile(rb"\{([A-Za-z_]\w*)\}")


@dataclass
class Sessions:
    """What is known of every principal, and of nobody in particular (None).

    `start` makes what is fresh in this run fresh among all runs: a server keeps what the last one made.
    """

    principals: Mapping[str, Principal]
    seed: int = 0
    start: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    shared: dict[str, str] = field(default_factory=dict)
    _values: dict[str | None, dict[str, str]] = field(default_factory=dict)
    _cookies: dict[str | None, dict[str, str]] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def log_in(self, names: Iterable[str | None], ask: Ask) -> None:
        """Log these principals in; who is logged in stays so until `forget`.

        Raises:
            DeadheatError: a login was refused, or its answer lacks what is to be taken from it.
        """
        for name in dict.fromkeys(names):
            if name is None or name in self._values:
                continue
            if name not in self.principals:
                raise DeadheatError(f"no principal {name!r}: write [principals.{name}] in deadheat.toml")
            principal = self.principals[name]
            self._values[name] = dict(principal.values)
            try:
                for step in principal.login:
                    self.run(step, ask, owner=name)
            except DeadheatError:
                del self._values[name]
                raise

    def forget(self) -> None:
        """Log everybody out: the server has forgotten them too."""
        self._values.clear()
        self._cookies.clear()
        self.shared.clear()

    def run(
        self, step: Preparation, ask: Ask, owner: str | None = None, *, lenient: bool = False
    ) -> Response:
        """Send a preparing request and keep what its answer gives.

        A `lenient` one may be refused as a user is (401, 409, 429 …): a set-up that uses up tries is.
        Where the step says which status it expects, it is that one and no other.

        Raises:
            DeadheatError: it was refused, or what is to be taken from its answer is not there.
        """
        request = structs.replace(step.request, principal=owner or step.request.principal)
        response = ask(self.bound(request))
        lenient = lenient and step.expect is None
        tolerated = lenient and response.status < 500 and response.status not in {404, 405}
        if not (step.accepts(response.status) or tolerated):
            short = response.text.strip()[:80]
            wanted = "it" if step.expect is None else str(step.expect)
            raise DeadheatError(
                f"{step.request} was answered {response.status} {short!r}, and what follows needs {wanted}"
            )
        self._keep_cookies(request.principal, response)
        kept = self._values.setdefault(owner, {}) if owner else self.shared
        for extract in step.extract:
            kept[extract.name] = taken(extract, response, str(step.request))
            self._tokens.add(kept[extract.name])
        return response

    def bound(self, request: Request) -> Request:
        """The request as it goes out: values filled in, with the principal's headers and cookies."""
        name = request.principal
        values = {"seed": f"{self.seed:x}", **self.shared, **self._values.get(name, {})}
        principal = self.principals.get(name or "")
        own = {key.lower() for key, _ in request.headers}
        extra = principal.headers if principal else ()
        headers = [*request.headers, *(pair for pair in extra if pair[0].lower() not in own)]
        cookies = self._cookies.get(name, {})
        if cookies and "cookie" not in own:
            headers.append(("cookie", "; ".join(f"{key}={value}" for key, value in cookies.items())))
        return Request(
            request.method,
            _filled(request.target, values),
            tuple((key, _filled(value, values)) for key, value in headers),
            _filled_bytes(request.body, values),
            name,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every cookie and token that was handed out, for reports to mask."""
        cookies = {value for jar in self._cookies.values() for value in jar.values()}
        return tuple(sorted(cookies | self._tokens))

    def _keep_cookies(self, owner: str | None, response: Response) -> None:
        jar = self._cookies.setdefault(owner, {})
        for name, value in cookies_of(response):
            jar[name] = value


def cookies_of(response: Response) -> list[tuple[str, str]]:
    """The cookies that an answer sets."""
    found: list[tuple[str, str]] = []
    for name, value in response.headers:
        if name.lower() == "set-cookie":
            try:
                found += [(key, morsel.coded_value) for key, morsel in SimpleCookie(value).items()]
            except CookieError:
                key, _, rest = value.partition(";")[0].partition("=")
                found.append((key.strip(), rest.strip()))
    return found


def taken(extract: Extract, response: Response, asked: str) -> str:
    """The value that `extract` finds in an answer.

    Raises:
        DeadheatError: it is not there; says what was looked for, and where.
    """
    found: str | None = None
    match extract.source:
        case Source.HEADER:
            values = [v for k, v in response.headers if k.lower() == extract.expression.lower()]
            found = values[0] if values else None
        case Source.COOKIE:
            found = dict(cookies_of(response)).get(extract.expression)
        case Source.REGEX:
            hit = re.search(extract.expression, response.text)
            found = None if hit is None else hit[1] if hit.re.groups else hit[0]
        case Source.JSON:
            found = _pointed(response.text, extract.expression)
    if found is None:
        raise DeadheatError(
            f"the answer to {asked} ({response.status}) has no {extract.source.value}"
            f" {extract.expression!r} to take `{extract.name}` from"
        )
    return found


def refers(request: Request, name: str) -> bool:
    """Whether the request refers to `{name}`."""
    text = "".join((request.target, *(value for _, value in request.headers)))
    return f"{{{name}}}" in text or f"{{{name}}}".encode() in request.body


def _pointed(text: str, pointer: str) -> str | None:
    """What a JSON pointer (RFC 6901) names, as text."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value if isinstance(value, str) else json.dumps(value)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda hit: values.get(hit[1], hit[0]), text)


def _filled_bytes(data: bytes, values: Mapping[str, str]) -> bytes:
    def fill(hit: re.Match[bytes]) -> bytes:
        value = values.get(hit[1].decode())
        return hit[0] if value is None else value.encode()

    return _REFERENCE_BYTES.sub(fill, data)


def by_name(principals: Sequence[Principal]) -> dict[str, Principal]:
    """Principals by their name."""
    return {principal.name: principal for principal in principals}
