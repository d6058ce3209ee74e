"""What an earlier reading learnt, and which of it still holds.

Owns that judgement. A summary depends on the function's own text, on the summaries of what it
calls, and on declarations anywhere (types, signatures, imports, macros). So when the *outline* of
every file (its text without function bodies) is what it was, a summary holds if its file and, in
turn, all callees' files are unchanged: the invalidation of a separate compilation (Tichy 1986, "Smart
recompilation"). Whatever that does not settle is read again: part of a call cycle, two declarations of one
path, a body that declares something itself. It must not know where the bytes are kept.
"""

import re
from collections.abc import Iterator, Mapping, Set
from hashlib import sha256
from zlib import crc32

import msgspec
from msgspec import Struct

from deadheat.rust.bodies import Fact, Read, lazily, path_of
from deadheat.rust.calling import called_names
from deadheat.rust.ir import Event, Summary, Where
from deadheat.rust.items import Function, Module, collect
from deadheat.rust.kinds import TypesRead
from deadheat.rust.lazy import Lazy
from deadheat.rust.lower import FoundSite
from deadheat.rust.routes import Known
from deadheat.rust.sketch import Sketch, sketch_of
from deadheat.rust.syntax import Extent, SourceFile
from deadheat.rust.types import Type, Types

_DECLARES = re.compile(
    rb"\b(?:fn|struct|enum|union|use|static|const|impl|trait|type|mod|extern|macro_rules|lazy_static|thread_local)\b"
    rb"|#!?\["
)

_LITTLE = 0.03  # of the bodies: reading as many again next time takes less than writing all now


class _State(Struct, frozen=True, array_like=True):
    """A file as it was read: digests of its text and of its outline, bodies that tell nothing to others."""

    text: bytes
    outline: bytes = b""
    hollow: tuple[Extent, ...] = ()


class Graph(Struct, array_like=True):
    """One event graph of a root, and what else `roots` found out about it."""

    events: list[Event]
    task: bool
    truncated: bool
    functions: tuple[str, ...]
    entry: int
    start: Where | None
    once: bool


class Graphs(Struct, array_like=True):
    """The graphs of one function, and the request guards that run before it."""

    guards: tuple[str, ...]
    graphs: list[Graph]


class Settled(Struct):
    """What follows from declarations alone, and from the bodies that mount."""

    routes: Known
    managed: dict[str, tuple[Type, str]]  # what `State<T>` parameters ask for, by key
    types: TypesRead


class Kept(Struct):
    """What one reading leaves for the next; `called` are names by the path of who calls."""

    general: bytes
    files: dict[str, _State]
    called: dict[str, tuple[str, ...]]
    read: Read
    managed: tuple[str, ...] = ()  # keys of the managed values
    graphs: dict[str, Graphs] = {}
    settled: Settled | None = None
    manifests: bytes = b""
    sketches: dict[str, msgspec.Raw] = {}  # a `Sketch` each


class _PackedRead(Struct):
    """What was read, each summary still encoded."""

    summaries: dict[str, msgspec.Raw] = {}
    sites: dict[str, msgspec.Raw] = {}
    facts: dict[str, Fact] = {}
    asked: dict[str, list[str]] = {}
    delicate: set[str] = set()
    somewhere: dict[str, Type] = {}


class _Packed(Struct):
    """The same, what was read not yet unpacked."""

    general: bytes = b""
    files: dict[str, _State] = {}
    called: dict[str, tuple[str, ...]] = {}
    read: msgspec.Raw = msgspec.Raw()
    managed: tuple[str, ...] = ()
    graphs: msgspec.Raw = msgspec.Raw()
    settled: msgspec.Raw = msgspec.Raw(b"\xc0")
    manifests: bytes = b""
    sketches: dict[str, msgspec.Raw] = {}


class Earlier:
    """What an earlier reading left, beside the texts of today.

    `files` are those texts: what is in the bodies of an unchanged file is not parsed before it is asked for.
    """

    def __init__(
        self,
        texts: Mapping[str, bytes],
        left: "bytes | Kept | None",
        parsed: Mapping[str, SourceFile] | None = None,
    ) -> None:
        """Open what was `left`, in this process together with the files that were `parsed`."""
        self._left = left if isinstance(left, Kept) else _unpacked(left)
        self.general, self.states, self.called = self._left.general, self._left.files, self._left.called
        self.digests = {path: sha256(text).digest() for path, text in texts.items()}
        self.files: dict[str, SourceFile] = {}
        self.sketched: dict[str, msgspec.Raw] = {}
        self.looked: dict[str, _State] = {}  # at what has changed
        for path, text in texts.items():
            file = parsed.get(path) if parsed is not None else None
            state = self.states.get(path)
            same = state is not None and state.text == self.digests[path]
            if file is None or file.text != text:
                file = SourceFile(path, text, state.hollow if state is not None and same else ())
            self.files[path] = file
            if same and path in self._left.sketches:
                self.sketched[path] = self._left.sketches[path]
        self.sketches = Lazy(self.sketched, msgspec.msgpack.Decoder(Sketch).decode)

    def settled(self, manifests: Mapping[str, bytes]) -> Settled | None:
        """What followed from the declarations, when every one is what it was."""
        if self._left.manifests != _digest(manifests) or self.states.keys() != self.files.keys():
            return None
        for path, file in self.files.items():
            known = self.states[path]
            if known.text != self.digests[path]:
                module = Module("", "", file)
                collect(module)
                looked = self.looked[path] = _state(self.digests[path], module)
                if looked.outline != known.outline:
                    return None
        if isinstance(self._left, Kept):
            return self._left.settled
        try:
            return msgspec.msgpack.decode(self._left.settled, type=Settled | None)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None

    def read(self) -> Read | None:
        """What was read; None when it cannot be told, or of a file that is gone."""
        if isinstance(self._left, Kept):
            return self._left.read
        if any(path not in self.files for path in self.states):
            return None
        try:
            read = msgspec.msgpack.decode(self._left.read, type=_PackedRead)
        except msgspec.DecodeError:
            return None
        summary = msgspec.msgpack.Decoder(Summary, dec_hook=self._file).decode
        sites = msgspec.msgpack.Decoder(list[FoundSite], dec_hook=self._file).decode
        return Read(
            Lazy(read.summaries, summary), Lazy(read.sites, sites), read.facts, read.asked, read.delicate,
            read.somewhere,
        )  # fmt: skip

    def graphs(self, managed: tuple[str, ...]) -> dict[str, Graphs]:
        """The event graphs that were made, none where the managed values are not what they were."""
        if self._left.managed != managed:
            return {}
        if isinstance(self._left, Kept):
            return self._left.graphs
        return msgspec.msgpack.decode(self._left.graphs, type=dict[str, Graphs], dec_hook=self._file)

    def _file(self, _: type, path: object) -> SourceFile:
        return self.files[str(path)]


class Reading:
    """One reading of a program: what it can take over, and what it leaves for the next."""

    def __init__(
        self,
        types: Types,
        manifests: dict[str, bytes],
        before: Earlier,
        called: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Compare with an earlier one; `called` is what `called_names` gives, where that is known."""
        self._types, self._before = types, before
        self._manifests = _digest(manifests)
        self._general = _general(types, self._manifests)
        known = before.states
        self._states = self._look(before)
        self.known: Read | None = None
        changed = set(self._states)
        if (
            before.general == self._general
            and known.keys() == self._states.keys()
            and all(known[path].outline == state.outline for path, state in self._states.items())
        ):
            read = before.read()
            if read is not None:
                changed = {path for path, state in self._states.items() if known[path].text != state.text}
                self.known = _holding(read, changed, types)
        self.changed: Set[str] = changed
        if called is None:
            called = called_names(types.functions.values(), before.called, changed)
        self.called = called

    def is_stale(self, read: Read) -> bool:
        """Whether so much was read anew that what is left for the next time should be written again."""
        known = len(self.known.summaries) if self.known is not None else 0
        return len(read.summaries) - known > len(read.summaries) * _LITTLE

    def taken(self, read: Read) -> set[str]:
        """The functions of which nothing was read anew."""
        if self.known is None:
            return set()
        before, now = lazily(self.known.summaries), lazily(read.summaries)
        return {path for path in before if path in now and now.as_is(path) is before.as_is(path)}

    def keep(self, read: Read, managed: tuple[str, ...], graphs: dict[str, Graphs], settled: Settled) -> Kept:
        """What the next reading is to be given; in another process, `packed`."""
        read.somewhere = self._types.somewhere
        return Kept(
            self._general, self._states, self.called, read, managed, graphs, settled, self._manifests,
            self._sketches(),
        )  # fmt: skip

    def _sketches(self) -> dict[str, msgspec.Raw]:
        found: dict[str, msgspec.Raw] = {}
        for path, module in self._types.modules.of_file.items():
            if path in self._before.sketched:
                found[path] = self._before.sketched[path]
                continue
            sketch = sketch_of(module)
            if sketch is not None:
                found[path] = msgspec.Raw(_ENCODER.encode(sketch))
        return found

    def _look(self, before: Earlier) -> dict[str, _State]:
        states: dict[str, _State] = {}
        for path, module in self._types.modules.of_file.items():
            known, digest = before.states.get(path), before.digests[path]
            if known is None or known.text != digest:
                known = before.looked.get(path) or _state(digest, module)
            states[path] = known
        return states


_ENCODER = msgspec.msgpack.Encoder()


def packed(kept: Kept) -> bytes:
    """What was left, as bytes; a file goes as its path."""
    content = msgspec.msgpack.encode(kept, enc_hook=path_of)
    return crc32(content).to_bytes(4, "big") + content


def _unpacked(left: bytes | None) -> _Packed:
    """What was packed, nothing where that is cut off or damaged."""
    if left is None or crc32(left[4:]).to_bytes(4, "big") != left[:4]:
        return _Packed()
    try:
        return msgspec.msgpack.decode(memoryview(left)[4:], type=_Packed)
    except msgspec.DecodeError:
        return _Packed()


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
        lazily(read.summaries).only(fresh),
        lazily(read.sites).only(fresh),
        {path: read.facts[path] for path in fresh},
        {path: read.asked[path] for path in fresh},
        set(),
        read.somewhere,
    )


def _digest(manifests: Mapping[str, bytes]) -> bytes:
    digest = sha256()
    for name in sorted(manifests):
        digest.update(f"{name}\0{len(manifests[name])}\0".encode() + manifests[name])
    return digest.digest()


def _general(types: Types, manifests: bytes) -> bytes:
    """What concerns all files: manifests, the declared functions, which implementation stands for a trait."""
    digest = sha256(manifests)
    digest.update("\0".join(types.functions).encode())
    for (trait, method), candidates in types.trait_methods.items():
        if len(candidates) > 1 and trait in types.items:
            sizes = [(_size(function), at) for at, function in enumerate(candidates)]
            digest.update(f"{trait}\0{method}\0{[at for _, at in sorted(sizes)]}\0".encode())
    return digest.digest()


def _size(function: Function) -> int:
    return function.node.end_byte - function.node.start_byte if function.block is not None else 0


def _state(digest: bytes, module: Module) -> _State:
    """The file of a module, as it is now."""
    file, extents = module.file, sorted(_bodies(module))
    outline = sha256(_outline(file, extents)).digest()
    return _State(digest, outline, () if file.full.root_node.has_error else tuple(extents))


def _bodies(module: Module) -> Iterator[Extent]:
    """Byte ranges of the bodies in a module's file that only their own summaries tell about."""
    blocks = [function for block in module.impls for function in block.functions]
    for function in (*module.functions.values(), *blocks):
        body = function.block
        # What `deref` gives is asked of its text.
        if body is not None and function.name != "deref" and not _DECLARES.search(function.body_text or b""):
            yield body.start_byte + function.shift, body.end_byte + function.shift
    for child in module.children.values():
        if child.file is module.file:
            yield from _bodies(child)


def _outline(file: SourceFile, bodies: list[Extent]) -> bytes:
    """The text of a file without bodies and without comments between items."""
    left_out = bodies + [
        (node.start_byte, node.end_byte)
        for node in file.full.root_node.named_children
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


__all__ = ["Earlier", "Graph", "Graphs", "Kept", "Reading", "Settled", "packed"]
