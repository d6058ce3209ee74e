"""What methods of the standard library and its neighbours do to the value they are called on.

Owns tables, nothing else. A method that is in no table and is not ours is judged by its name,
and if that tells nothing it counts as a read.
"""

# The value goes through unchanged, guards and borrows included.
IDENTITY = frozenset(
    {"unwrap", "expect", "unwrap_or_else", "unwrap_or_default", "unwrap_or", "as_ref", "as_mut",
     "as_deref", "as_deref_mut", "borrow", "borrow_mut", "deref", "deref_mut", "by_ref", "map_err", "ok",
     "ok_or", "ok_or_else", "into_inner", "or_else", "context", "with_context", "inner", "get_ref",
     "get_mut_ref", "or_500", "inspect_err", "unwrap_unchecked", "map_poison", "into_future", "boxed",
     "fuse", "optional", "value", "value_mut"}
)  # fmt: skip
# The result no longer borrows from the receiver.
DETACHING = frozenset(
    {"clone", "cloned", "copied", "to_owned", "to_string", "to_vec", "into_owned", "collect", "into",
     "sum", "count", "fold", "max", "min", "len", "is_empty", "join", "concat", "clone_from"}
)  # fmt: skip
# Whether it arrived says nothing of what was sent.
TOLD = frozenset({"send", "feed", "send_all", "write_all", "send_to"})
# Asking whether something is there is the same fact as having looked for it.
EXISTENCE = frozenset(
    {"is_some", "is_none", "is_ok", "is_err", "contains_key", "contains", "get", "get_mut", "entry",
     "cloned", "copied", "clone", "to_owned", "as_str", "into_iter", "iter", "to_string", "as_ref",
     "get_key_value"}
)  # fmt: skip
READS = frozenset(
    {"get", "contains", "contains_key", "len", "is_empty", "iter", "values", "keys", "first", "last",
     "clone", "to_owned", "to_string", "cloned", "copied", "as_str", "as_slice", "starts_with",
     "ends_with", "range", "binary_search", "front", "back", "peek", "get_key_value", "is_some", "is_none",
     "is_some_and", "into_iter", "chars", "bytes", "elapsed", "as_bytes", "to_vec", "capacity",
     "is_subset", "split", "trim", "eq", "ne", "cmp", "partial_cmp", "min", "max", "saturating_sub",
     "saturating_add", "checked_sub", "checked_add", "wrapping_add", "pow", "abs", "map", "and_then",
     "filter", "any", "all", "find", "position", "is_ok", "is_err", "values_mut", "iter_mut", "get_mut",
     "first_mut", "last_mut", "keys_mut"}
)  # fmt: skip
# Changes the receiver, whatever was there before (the old value is not needed for the new).
WRITES = frozenset(
    {"clear", "store", "set", "fill", "clone_from"}
)  # fmt: skip
UPDATES = frozenset(
    {"push", "insert", "remove", "extend", "extend_from_slice", "copy_from_slice",
     "entry", "pop", "retain", "drain", "append", "sort", "sort_by",
     "sort_by_key", "sort_unstable", "truncate", "swap", "take", "replace", "push_back", "push_front",
     "pop_front", "pop_back", "remove_entry", "swap_remove", "dedup", "reverse", "push_str",
     "get_or_insert", "get_or_insert_with", "split_off", "try_insert", "rotate_left", "or_insert",
     "or_insert_with", "or_default", "and_modify", "insert_str", "resize", "put", "pop_first", "pop_last",
     "increment", "decrement", "update", "upsert", "remove_if", "alter", "invalidate", "invalidate_all",
     "and_upsert_with", "and_compute_with"}
)  # fmt: skip
# Atomic test-and-set by nature: their result tells whether the state was as hoped.
SELF_CHECKING = frozenset(
    {"insert", "remove", "take", "pop", "swap", "replace", "remove_entry", "pop_front", "pop_back",
     "entry", "or_insert", "or_insert_with", "or_default", "compare_exchange", "compare_exchange_weak",
     "fetch_update", "compare_and_swap", "fetch_or", "fetch_and", "try_insert", "remove_if",
     "get_or_insert_with", "pop_first", "pop_last", "get_or_insert", "rcu"}
)  # fmt: skip
KEYED = frozenset(
    {"get", "get_mut", "contains_key", "contains", "insert", "remove", "entry", "remove_entry",
     "get_key_value", "try_insert", "remove_if", "alter", "invalidate"}
)  # fmt: skip
BORROWING = frozenset(
    {"get", "get_mut", "first", "last", "first_mut", "last_mut", "iter", "iter_mut", "values",
     "values_mut", "front", "back", "front_mut", "back_mut", "entry", "or_insert", "or_insert_with",
     "or_default", "range", "get_or_insert_with", "as_str", "as_slice", "keys", "peek", "find", "next",
     "and_modify", "peekable", "enumerate", "rev", "filter", "as_bytes", "get_or_insert", "into_iter",
     "skip", "take_while", "nth"}
)  # fmt: skip
_READ_PREFIXES = (
    "get_", "is_", "has_", "find", "count", "list", "as_", "to_", "contains", "len", "iter", "peek",
    "lookup", "can_", "should_", "check", "max_", "min_", "total"
)  # fmt: skip
_UPDATE_PREFIXES = (
    "set_", "add_", "insert_", "remove_", "delete", "update_", "push_", "pop_", "clear_", "inc", "dec",
    "mark_", "reset", "take_", "put_", "store_", "save_", "apply_", "append_", "register", "create_",
    "consume", "drain_", "toggle", "withdraw", "deposit", "record"
)  # fmt: skip

ATOMIC_READS = frozenset(
    {"load", "load_full", "get", "borrow", "borrow_and_update"}
)  # fmt: skip
ATOMIC_WRITES = frozenset(
    {"store", "send", "send_replace"}
)  # fmt: skip
ATOMIC_UPDATES = frozenset(
    {"swap", "compare_exchange", "compare_exchange_weak", "compare_and_swap", "fetch_add", "fetch_sub",
     "fetch_or", "fetch_and", "fetch_xor", "fetch_nand", "fetch_max", "fetch_min", "fetch_update", "rcu",
     "send_modify", "send_if_modified"}
)  # fmt: skip
# Their closure runs again when somebody else was faster.
RETRIED = frozenset(
    {"fetch_update", "try_update", "rcu"}
)  # fmt: skip
ATOMIC = ATOMIC_READS | ATOMIC_WRITES | ATOMIC_UPDATES

EXCLUSIVE = frozenset(
    {"lock", "write", "lock_owned", "write_owned", "blocking_lock", "blocking_write", "lock_arc",
     "write_arc"}
)  # fmt: skip
SHARED = frozenset(
    {"read", "read_owned", "blocking_read", "read_arc", "upgradable_read", "read_recursive"}
)  # fmt: skip
TRY = frozenset(
    {"try_lock", "try_read", "try_write", "try_lock_owned", "try_lock_for", "try_read_for",
     "try_write_for", "try_lock_until", "try_write_owned", "try_read_owned"}
)  # fmt: skip
ACQUIRE = EXCLUSIVE | SHARED | TRY

# Macros whose arguments are ordinary expressions, so that a probe may stand inside them.
EXPRESSION_MACROS = frozenset(
    {"format", "println", "print", "eprintln", "eprint", "write", "writeln", "panic", "assert",
     "assert_eq", "assert_ne", "debug_assert", "debug_assert_eq", "debug_assert_ne", "vec", "dbg", "todo",
     "unreachable", "unimplemented", "info", "warn", "error", "debug", "trace", "bail", "ensure", "anyhow",
     "format_args", "log", "json"}
)  # fmt: skip
FORMATTING = frozenset(
    {"format", "println", "print", "eprintln", "eprint", "write", "writeln", "panic", "info", "warn",
     "error", "debug", "trace", "bail", "anyhow", "format_args", "unreachable", "todo", "unimplemented"}
)  # fmt: skip
NEVER_RETURNS = frozenset(
    {"panic", "bail", "unreachable", "todo", "unimplemented"}
)  # fmt: skip

SPAWN_FUTURE = frozenset(
    {"spawn", "spawn_local"}
)  # fmt: skip
SPAWN_CLOSURE = frozenset(
    {"spawn_blocking", "spawn_pinned"}
)  # fmt: skip


def effect(method: str) -> str:
    """What a method does to its receiver: `read`, `write` or `rmw`."""
    if method in UPDATES:
        return "rmw"
    if method in WRITES:
        return "write"
    if method in READS or method.startswith(_READ_PREFIXES):
        return "read"
    if method.startswith(_UPDATE_PREFIXES) or method.endswith("_mut"):
        return "rmw"
    return "read"
