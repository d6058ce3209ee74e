"""What calls do outside memory: files, waiting, other services, fresh identities.

Owns tables over resolved paths and method names, nothing else. The classes are the `method` of a
`Kind.CALL` event:

===============  ============================================================================
`blocking`       the thread waits (std's files, sleep, processes, synchronous clients)
`slow`           the task waits for time or for the disk
`external`       another service is asked, and may have acted
`unique`         a value that nobody else has (a UUID, a random name, a temporary file)
`cancellable`    from here to `completed` the work may be dropped at any `.await`
`ask`            a one-shot channel is made: its answer belongs to the message that carries it
`panic`          a panic is possible here, and a std guard is alive
===============  ============================================================================

Sources: the documentation of std::fs, tokio::fs, rocket::fs, reqwest, uuid, rand.
"""

BLOCKING, SLOW, EXTERNAL, UNIQUE = "blocking", "slow", "external", "unique"
CANCELLABLE, COMPLETED, ASK, PANIC = "cancellable", "completed", "ask", "panic"

# Endings of resolved paths. The first that fits decides.
_PATHS: tuple[tuple[str, str], ...] = (
    ("std::thread::sleep", BLOCKING),
    ("thread::sleep", BLOCKING),
    ("thread::park", BLOCKING),
    ("executor::block_on", BLOCKING),
    ("reqwest::blocking::get", BLOCKING),
    ("ureq::get", BLOCKING),
    ("ureq::post", BLOCKING),
    ("minreq::get", BLOCKING),
    ("net::TcpStream::connect", BLOCKING),
    ("time::sleep", SLOW),
    ("time::sleep_until", SLOW),
    ("reqwest::get", EXTERNAL),
    ("surf::get", EXTERNAL),
    ("surf::post", EXTERNAL),
    ("Uuid::new_v4", UNIQUE),
    ("Uuid::now_v7", UNIQUE),
    ("Ulid::new", UNIQUE),
    ("rand::random", UNIQUE),
    ("thread_rng", UNIQUE),  # mostly from `rand::prelude::*`
    ("rand::rng", UNIQUE),
    ("OsRng", UNIQUE),
    ("cuid2::create_id", UNIQUE),
    ("tempfile::tempdir", UNIQUE),
    ("NamedTempFile::new", UNIQUE),
    ("NamedTempFile::new_in", UNIQUE),
    ("TempDir::new", UNIQUE),
    ("oneshot::channel", ASK),
)
_UNIQUE_MACROS = frozenset({"nanoid", "uuid"})


def call_class(resolved: str) -> str | None:
    """The class of a call by its resolved path, None when it does nothing outside memory."""
    tail = resolved.rsplit("::", 1)[-1]
    for path, kind in _BY_LAST.get(tail, ()):
        if resolved == path or resolved.endswith("::" + path):
            # tokio's `TcpStream` and `sleep` wait without a thread.
            if kind is BLOCKING and "tokio" in resolved:
                return SLOW if "sleep" in resolved else EXTERNAL
            return kind
    return None


def _by_last() -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for path, kind in _PATHS:
        found.setdefault(path.rsplit("::", 1)[-1], []).append((path, kind))
    return {last: tuple(paths) for last, paths in found.items()}


_BY_LAST = _by_last()


def macro_class(name: str) -> str | None:
    """The class of a macro by its name."""
    return UNIQUE if name in _UNIQUE_MACROS else None


# What an operation does with the file whose path it is given: (position of the path, effect).
# `check` looks whether it is there, `claim` creates it only when it is not, `append` adds to it.
FILE_FUNCTIONS: dict[str, tuple[tuple[int, str], ...]] = {
    "fs::exists": ((0, "check"),),
    "fs::try_exists": ((0, "check"),),
    "fs::metadata": ((0, "check"),),
    "fs::symlink_metadata": ((0, "check"),),
    "fs::read": ((0, "read"),),
    "fs::read_to_string": ((0, "read"),),
    "fs::read_link": ((0, "read"),),
    "fs::write": ((0, "write"),),
    "fs::copy": ((0, "read"), (1, "write")),
    "fs::rename": ((0, "remove"), (1, "write")),
    "fs::hard_link": ((1, "claim"),),
    "fs::remove_file": ((0, "remove"),),
    "fs::remove_dir": ((0, "remove"),),
    "fs::remove_dir_all": ((0, "remove"),),
    "fs::create_dir": ((0, "claim"),),
    "File::open": ((0, "read"),),
    "File::create": ((0, "write"),),
    "File::create_new": ((0, "claim"),),
    "NamedFile::open": ((0, "read"),),
}
FILE_CHECKS = frozenset({"exists", "try_exists", "is_file", "is_dir", "metadata", "symlink_metadata"})
# Rocket's `TempFile`, tempfile's `NamedTempFile`: an upload given its place.
FILE_SAVERS = {
    "persist_to": "write", "move_copy_to": "write", "copy_to": "write", "persist": "write",
    "persist_noclobber": "claim", "into_file": "write",
}  # fmt: skip
HANDLE_READS = frozenset({"read_to_string", "read_to_end", "read", "read_exact", "read_line"})
HANDLE_WRITES = frozenset({"write", "write_all", "set_len", "write_fmt"})
HANDLE_LOCKS = frozenset({"lock_exclusive", "try_lock_exclusive", "lock", "try_lock"})


def file_function(resolved: str) -> tuple[tuple[int, str], ...]:
    """What a function of std::fs, tokio::fs or rocket::fs does with the paths that it is given."""
    parts = resolved.split("::")
    if len(parts) < 2:
        return ()
    return FILE_FUNCTIONS.get("::".join(parts[-2:]), ())


def waits_for_disk(resolved: str) -> bool:
    """Whether the thread, not the task, waits for the disk."""
    return not any(family in resolved for family in ("tokio", "rocket", "async_std", "async_fs", "NamedFile"))
