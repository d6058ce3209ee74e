"""What standard methods return, as far as it helps to keep types known.

Owns a handful of container shapes. None means unknown and is always a safe answer.
"""

from deadheat.rust.types import Type, argument, peel

_MAPS = frozenset({"HashMap", "BTreeMap", "IndexMap", "DashMap", "FxHashMap", "AHashMap"})
_SEQUENCES = frozenset({"Vec", "[array]", "VecDeque", "HashSet", "BTreeSet", "DashSet", "Iter", "BinaryHeap"})
_ONE = frozenset(
    {"get", "get_mut", "first", "last", "first_mut", "last_mut", "next", "find", "max", "min", "pop", "front",
     "back", "pop_front", "pop_back", "take", "nth", "max_by_key", "min_by_key", "peek"}
)  # fmt: skip
_MANY = frozenset({"iter", "iter_mut", "into_iter", "drain"})
_SAME = frozenset(
    {"clone", "cloned", "copied", "to_owned", "filter", "rev", "skip", "chain", "peekable", "take_while",
     "step_by", "saturating_sub", "saturating_add", "wrapping_add", "min", "max", "to_vec", "as_slice"}
)  # fmt: skip


def method_result(declared: Type | None, method: str) -> Type | None:
    """The type of `value.method(…)`, None when it is not known."""
    inner = peel(declared)
    if inner is None:
        return None
    if method in ("len", "count", "capacity"):
        return Type("usize")
    if method in ("is_empty", "contains", "contains_key", "is_some", "is_none"):
        return Type("bool")
    if method in ("to_string", "join"):
        return Type("String")
    if inner.short in _MAPS:
        return _of_map(inner, method)
    if inner.short == "Entry":
        return argument(inner) if method.startswith("or_") else inner
    if inner.short in _SEQUENCES:
        if method in _ONE:
            return Type("Option", inner.args[:1])
        if method in _MANY:
            return Type("Iter", inner.args[:1])
        if method in ("collect", "map"):
            return None
    if inner.short == "Option" and method in ("take", "replace", "insert", "get_or_insert_with"):
        return inner if method in ("take", "replace") else argument(inner)
    return declared if method in _SAME else None


def _of_map(inner: Type, method: str) -> Type | None:
    value = argument(inner, 1)
    if method in ("get", "get_mut", "remove", "insert"):
        return Type("Option", (value,))
    if method == "entry":
        return Type("Entry", (value,))
    if method in ("values", "values_mut", "into_values"):
        return Type("Iter", (value,))
    if method in ("keys", "into_keys"):
        return Type("Iter", inner.args[:1])
    if method in _MANY:
        return Type("Iter", (Type("(tuple)", inner.args[:2]),))
    return inner if method == "clone" else None


def element_type(declared: Type | None) -> Type | None:
    """What iterating over a value yields."""
    declared = peel(declared)
    if declared is None:
        return None
    if declared.short in ("HashMap", "BTreeMap", "IndexMap", "DashMap"):
        return Type("(tuple)", declared.args[:2])
    return argument(declared)
