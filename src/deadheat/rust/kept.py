"""What an earlier reading learnt, and which of it still holds.

Owns that judgement. A summary depends on the function's own text, on the summaries of what it
calls, and on declarations anywhere (types, signatures, imports, macros). So when the *outline* of
every file (its text without function bodies) is what it was, a summary holds if its file and, in
turn, all callees' files are unchanged: the invalidation of a separate compilation (Tichy 1986, "Smart
recompilation"). Whatever that does not settle is read again: part of a call cycle, two declarations of one
path, a body that declares something itself. It must not know where the bytes are kept.
"""

import re
from hashlib import sha256

import msgspec
from msgspec import Struct

from deadheat.rust.bodies import Read, path_of
from deadheat.rust.items import Function
from deadheat.rust.syntax import SourceFile
from deadheat.rust.types import Types

_DECLARES = re.compile(
    rb"\b(?:fn|struct|enum|union|use|static|const|impl|trait|type|mod|extern|macro_rules|lazy_static|thread_local)\b"
    rb"|#!?\["
)


class _State(Struct, frozen=True):
    """A file as it was read: digests of its text and of its outline."""

    text: bytes
    outline: bytes


class Kept(Struct):
    """What one reading leaves for the next."""

    general: bytes
    files: dict[str, _State]
    read: Read


class Reading:
    """One reading of a program: what it can take over, and what it leaves for the next."""

    def __init__(self, types: Types, manifests: dict[str, bytes], before: "bytes | Kept | None") -> None:
        """Compare with the reading that left `before`, if any."""
        self._types = types
        self._files = {file.path: file for file in types.modules.files.values()}
        self._general = _general(types, manifests)
        kept = self._decoded(before) if isinstance(before, bytes) else before
        known = kept.files if kept is not None else {}
        self._states = self._look(known)
        self.known: Read | None = None
        if (
            kept is not None
            and kept.general == self._general
            and known.keys() == self._states.keys()
            and all(known[path].outline == state.outline for path, state in self._states.items())
        ):
            changed = {path for path, state in self._states.items() if known[path].text != state.text}
            self.known = _holding(kept.read, changed, types)

    def keep(self, read: Read) -> Kept:
        """What the next reading is to be given; in another process, `packed`."""
        read.somewhere = self._types.somewhere
        return Kept(self._general, self._states, read)

    def _decoded(self, before: bytes) -> Kept | None:
        try:
            return msgspec.msgpack.decode(before, type=Kept, dec_hook=lambda _, path: self._files[str(path)])
        except (msgspec.DecodeError, KeyError):
            return None  # cut off, or a file is gone: nothing holds

    def _look(self, known: dict[str, _State]) -> dict[str, _State]:
        states: dict[str, _State] = {}
        new: list[SourceFile] = []
        for path, file in self._files.items():
            digest = sha256(file.text).digest()
            if path in known and known[path].text == digest:
                states[path] = known[path]
            else:
                new.append(file)
                states[path] = _State(digest, b"")
        bodies = _bodies(self._types, {file.path for file in new})
        for file in new:
            outline = sha256(_outline(file, bodies.get(file.path, []))).digest()
            states[file.path] = msgspec.structs.replace(states[file.path], outline=outline)
        return states


def packed(kept: Kept) -> bytes:
    """What was left, as bytes; a file goes as its path."""
    return msgspec.msgpack.encode(kept, enc_hook=path_of)


def _holding(read: Read, changed: set[str], types: Types) -> Read:
    """What of an earlier reading is as it would be read now."""
    callers: dict[str, list[str]] = {}
    for path, asked in read.asked.items():
        for callee in asked:
            callers.setdefault(callee, []).append(path)
    pending = [
        path for path in read.summaries
        if path in read.delicate or path not in types.functions or types.functions[path].file.path in changed
    ]  # fmt: skip
    stale = set(pending)
    while pending:
        for caller in callers.get(pending.pop(), ()):
            if caller not in stale:
                stale.add(caller)
                pending.append(caller)
    fresh = [path for path in read.summaries if path not in stale]
    return Read(
        {path: read.summaries[path] for path in fresh},
        {path: read.sites[path] for path in fresh},
        {path: read.asked[path] for path in fresh},
        set(),
        read.somewhere,
    )


def _general(types: Types, manifests: dict[str, bytes]) -> bytes:
    """What concerns all files: manifests, the declared functions, which implementation stands for a trait."""
    digest = sha256()
    for name in sorted(manifests):
        digest.update(f"{name}\0{len(manifests[name])}\0".encode() + manifests[name])
    digest.update("\0".join(types.functions).encode())
    for (trait, method), candidates in types.trait_methods.items():
        if len(candidates) > 1 and trait in types.items:
            sizes = [(_size(function), at) for at, function in enumerate(candidates)]
            digest.update(f"{trait}\0{method}\0{[at for _, at in sorted(sizes)]}\0".encode())
    return digest.digest()


def _size(function: Function) -> int:
    return function.node.end_byte - function.node.start_byte if function.body is not None else 0


def _bodies(types: Types, paths: set[str]) -> dict[str, list[tuple[int, int]]]:
    """Byte ranges of the bodies in some files that only their own summaries tell about."""
    found: dict[str, list[tuple[int, int]]] = {}
    for function in types.functions.values() if paths else ():
        if function.file.path not in paths or function.name == "deref":
            continue  # what `deref` gives is asked of its text
        body = function.body
        if body is not None and _DECLARES.search(body.text or b"") is None:
            start, end = body.start_byte + function.shift, body.end_byte + function.shift
            found.setdefault(function.file.path, []).append((start, end))
    return found


def _outline(file: SourceFile, bodies: list[tuple[int, int]]) -> bytes:
    """The text of a file without bodies and without comments between items."""
    left_out = bodies + [
        (node.start_byte, node.end_byte)
        for node in file.tree.root_node.named_children
        if node.type in ("line_comment", "block_comment")
    ]
    parts: list[bytes] = []
    at = 0
    for start, end in sorted(left_out):
        if start >= at:
            parts.append(file.text[at:start].strip())
            at = end
    parts.append(file.text[at:].strip())
    return b"\0".join(part for part in parts if part)


__all__ = ["Kept", "Reading", "packed"]
