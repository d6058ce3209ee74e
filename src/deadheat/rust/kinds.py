"""A type, and what is shared about it.

Owns `Type` (a resolved name and its arguments, references peeled off) and the questions that
concurrency asks of one: is it a lock, an atomic, a map whose calls are atomic, a store. It must not
know declarations; what needs them is asked of `types.Types`.
"""

from functools import cache

from msgspec import Struct

# Values of these types are used as if they were the value inside.
WRAPPERS = frozenset(
    {"Arc", "Rc", "Box", "State", "Lazy", "LazyLock", "OnceLock", "OnceCell", "Cow", "Pin", "CachePadded",
     "AssertUnwindSafe", "ManuallyDrop", "Ref", "RefMut", "MutexGuard", "RwLockReadGuard", "RwLockWriteGuard",
     "OwnedMutexGuard", "OwnedRwLockReadGuard", "OwnedRwLockWriteGuard", "MappedMutexGuard"}
)  # fmt: skip
GUARDS = frozenset(name for name in WRAPPERS if name.endswith("Guard")) | {"Ref", "RefMut"}
_DEPTH = 20


class Type(Struct, frozen=True, array_like=True):
    """A resolved type name and its arguments."""

    name: str
    args: "tuple[Type | None, ...]" = ()

    @property
    def short(self) -> str:
        """The last segment of the name."""
        return _last(self.name)

    @property
    def qualified(self) -> str:
        """The type with full names: two modules may each have a `State`."""
        inner = ", ".join("_" if arg is None else arg.qualified for arg in self.args)
        return f"{self.name}<{inner}>" if inner else self.name

    def __str__(self) -> str:
        """The type as a person writes it, with short names."""
        inner = ", ".join("_" if arg is None else str(arg) for arg in self.args)
        if self.name == "(tuple)":
            return f"({inner})"
        if self.name == "[array]":
            return f"[{inner}]"
        return f"{self.short}<{inner}>" if inner else self.short


class TypesRead(Struct):
    """What was read of some declarations, for whoever reads the same ones again."""

    written: list[tuple[str, str, bytes, Type | None]]  # in a module, as a kind of node, a text
    fields: dict[str, dict[str, Type | None]]

    @classmethod
    def of(
        cls, table: dict[tuple[str, str, bytes], Type | None], fields: dict[str, dict[str, Type | None]]
    ) -> "TypesRead":
        """The same as a list, because bytes have no tuples for keys."""
        return cls([(where, kind, text, read) for (where, kind, text), read in table.items()], fields)

    def table(self) -> dict[tuple[str, str, bytes], Type | None]:
        """The types by where, as what and how they are written."""
        return {(where, kind, text): read for where, kind, text, read in self.written}


@cache
def _last(name: str) -> str:
    return name.rsplit("::", 1)[-1]


def argument(declared: Type | None, index: int = 0) -> Type | None:
    """The type argument at `index`, None when there is none."""
    return declared.args[index] if declared is not None and index < len(declared.args) else None


def peel(declared: Type | None) -> Type | None:
    """The type behind smart pointers, lazies, guards and `State`."""
    if declared is None or not declared.args:
        return declared  # most are: this is asked of every receiver, a dozen times
    for _ in range(_DEPTH):
        if declared is None or not declared.args or _last(declared.name) not in WRAPPERS:
            return declared
        declared = declared.args[0]
    return declared


def is_lock(declared: Type | None) -> bool:
    """Whether the type is a mutex or a reader-writer lock of any family."""
    return declared is not None and declared.short in ("Mutex", "RwLock", "ReentrantMutex", "FairMutex")


def is_async_lock(declared: Type | None) -> bool:
    """Whether acquiring the lock needs an `.await` (tokio and its kin)."""
    if declared is None:
        return False
    path = declared.name
    return any(f"{family}::" in path for family in ("tokio", "async_std", "async_lock", "futures"))


def is_atomic(declared: Type | None) -> bool:
    """Whether the type is one of the standard atomics."""
    return declared is not None and declared.short.startswith("Atomic") and declared.short != "Atomic"


def is_concurrent_cell(declared: Type | None) -> bool:
    """Whether the type is a swap cell: whole-value load and store, no lock."""
    return declared is not None and (
        declared.short in ("ArcSwap", "ArcSwapAny", "ArcSwapOption", "AtomicCell") or is_watched(declared)
    )


def is_watched(declared: Type | None) -> bool:
    """Whether the type is the sending half of a watch channel, which holds one value: the latest."""
    return declared is not None and declared.name.endswith("watch::Sender")


def is_concurrent_map(declared: Type | None) -> bool:
    """Whether each call on the type is atomic in itself, and only in itself."""
    return declared is not None and (
        declared.short in ("DashMap", "DashSet", "SkipMap", "SkipSet") or in_map_crate(declared)
    )


def in_map_crate(declared: Type) -> bool:
    """Whether the type comes from a crate of concurrent maps, where `Cache` is but a word for one."""
    return declared.name.split("::")[0] in _MAP_CRATES


# Maps and caches whose every type is a concurrent one, and hands out copies.
_MAP_CRATES = frozenset({"moka", "mini_moka", "quick_cache", "papaya", "flurry", "scc", "stretto"})


STORE = "store::"
"""Marks a trait of ours that is a key-value store: the name that `Types.read` gives it starts so."""
_STORES = frozenset(
    {"sled::Tree", "sled::Db", "rocksdb::DB", "rocksdb::TransactionDB", "rocksdb::DBWithThreadMode",
     "rocksdb::OptimisticTransactionDB", "redb::Database", "fjall::Partition"}
)  # fmt: skip


def is_store(declared: Type | None) -> bool:
    """Whether the type is an embedded key-value store, in which each call is atomic in itself."""
    return declared is not None and (declared.name.startswith(STORE) or declared.name in _STORES)


def is_executor(declared: Type | None) -> bool:
    """Whether the type is a trait of what statements run on: a connection, a pool or a transaction."""
    return declared is not None and declared.short.endswith(("Executor", "ConnectionTrait"))


def is_synchronised(declared: Type | None) -> bool:
    """Whether many threads may change a value of this type at once."""
    return declared is not None and _is_synchronised(declared.name)


@cache
def _is_synchronised(name: str) -> bool:
    declared = Type(name)
    return (
        is_lock(declared)
        or is_atomic(declared)
        or is_concurrent_cell(declared)
        or is_concurrent_map(declared)
        or is_store(declared)
    )
