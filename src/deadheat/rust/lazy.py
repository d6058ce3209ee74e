"""Values that were encoded one by one and are decoded when somebody asks.

Owns that postponement. Of a program that is read again most of what was kept is only passed on: it is not
decoded at all, and encoded again as the bytes that it is.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

import msgspec

V = TypeVar("V")


class Lazy(dict[str, V]):
    """A dictionary some of whose values are still `msgspec.Raw`; reading one decodes it."""

    def __init__(
        self, values: "Mapping[str, V | msgspec.Raw]", decode: "Callable[[msgspec.Raw], V] | None" = None
    ) -> None:
        """`decode` is for the values that need it; without it there are none."""
        super().__init__(cast("Mapping[str, V]", values))
        self.decode = decode

    def __getitem__(self, key: str) -> V:
        """The value, decoded."""
        value = super().__getitem__(key)
        if isinstance(value, msgspec.Raw) and self.decode is not None:
            value = self.decode(value)
            self[key] = value
        return value

    def get(self, key: str, default: object = None) -> "V | None":  # type: ignore[override]
        """The value, decoded, None when there is none."""
        found: V | None = None
        if key in self:
            found = self[key]
        return found

    def decoded(self) -> dict[str, V]:
        """A plain dictionary with all values decoded."""
        return {key: self[key] for key in self}

    def only(self, keys: Iterable[str]) -> "Lazy[V]":
        """Some of it, as it is."""
        return Lazy({key: self.as_is(key) for key in keys}, self.decode)

    def as_is(self, key: str) -> V:
        """A value as it lies here, to be passed on."""
        return super().__getitem__(key)


__all__ = ["Lazy"]
