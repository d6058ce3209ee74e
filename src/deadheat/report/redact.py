"""Takes known secrets out of a run, before anything is printed or stored.

Owns the walk through every text of a run. `secrets` recognises credentials by their names and
shapes; here are the values that are known to be secret because they came from the environment or
were handed out at a login, wherever they stand. Equal secrets get equal stand-ins.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast
from urllib.parse import quote, quote_plus

from msgspec import Struct, structs

Value = TypeVar("Value")

_WORD = 4  # shorter secrets are masked where they stand as a word: `7` is in every number


class Redactor:
    """Replaces known secrets, plain and in the encodings a request carries them in."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Learn the secrets; empty ones are none."""
        known: dict[str, str] = {}
        for number, secret in enumerate(dict.fromkeys(secret for secret in secrets if secret)):
            stand_in = f"***{_letters(number)}"
            for form in (secret, quote(secret, safe=""), quote_plus(secret), _base64(secret)):
                known.setdefault(form, stand_in)
        ordered = sorted(known, key=len, reverse=True)
        self._known: Mapping[str, str] = known
        self._pattern = re.compile("|".join(map(_alternative, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda hit: self._known[hit[0]], text)

    def value(self, value: Value) -> Value:
        """The same value, without secrets in any text or bytes of it."""
        return cast("Value", self._clean(value)) if self._pattern is not None else value

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            # An enumeration is a word of ours.
            return self.text(value) if type(value) is str else value
        if isinstance(value, bytes):
            return self.text(value.decode("latin-1")).encode("latin-1")
        if isinstance(value, Struct):
            fields = structs.fields(value)
            return structs.replace(
                value, **{field.name: self._clean(getattr(value, field.name)) for field in fields}
            )
        if isinstance(value, tuple):
            return tuple(self._clean(item) for item in value)
        return value


def _alternative(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _WORD else rf"(?<!\w){escaped}(?!\w)"


def _base64(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def _letters(number: int) -> str:
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("a") + rest) + name
    return name
