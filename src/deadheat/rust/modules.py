"""The module graph: crate roots, `mod` declarations, files, and what a path names.

Owns name resolution (the Rust reference, "Paths" and "Use declarations"): renames, globs of own
modules, re-exports, workspace crates. It must not know what a resolved thing is used for. Names
that leave the workspace are returned as written, expanded to the full path of their `use`.
"""

import posixpath
import re
from collections.abc import Mapping

from deadheat.rust.items import Module, Path, collect
from deadheat.rust.manifest import Package, packages
from deadheat.rust.sketch import Sketch, fill
from deadheat.rust.syntax import SourceFile
from deadheat.rust.tree import SourceTree

_DEPTH = 24
_TEST_FILE = re.compile(rb"#\[cfg\(test\)\]\s*(?:pub\s+)?mod\s+(\w+)\s*;")
# What a glob import of a foreign module brings into scope, as far as concurrency is concerned.
_FOREIGN_GLOBS: dict[str, frozenset[str]] = {
    "sync": frozenset({"Arc", "Mutex", "RwLock", "OnceLock", "LazyLock", "OnceCell", "Semaphore", "Weak"}),
    "parking_lot": frozenset({"Mutex", "RwLock", "ReentrantMutex", "FairMutex"}),
    "atomic": frozenset(
        {"Ordering", "AtomicBool", "AtomicUsize", "AtomicIsize", "AtomicPtr"}
        | {f"Atomic{sign}{width}" for sign in "UI" for width in (8, 16, 32, 64)}
    ),
    "collections": frozenset({"HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque"}),
}


class Modules:
    """Every module of the workspace, by path."""

    def __init__(
        self,
        tree: SourceTree,
        parsed: Mapping[str, SourceFile] | None = None,
        sketches: Mapping[str, Sketch] | None = None,
    ) -> None:
        """Build the graph; files that no `mod` reaches become crates of their own.

        What is `parsed` already, of the same text, is not parsed again; what there is a sketch of is not
        parsed at all.
        """
        self.packages: list[Package] = packages(tree)
        self.modules: dict[str, Module] = {}
        self.crates: dict[str, Module] = {}
        self.editions: dict[str, int] = {}
        self.compile_time: set[str] = set()  # crates of procedural macros
        self.files: dict[str, SourceFile] = {}
        self.failed: list[tuple[str, str]] = []
        self._cache: dict[tuple[str, Path], str] = {}
        self._tried: set[tuple[str, Path]] = set()
        self._owners: dict[str | None, Module] = {}
        self._tree = tree
        self._parsed = parsed if parsed is not None else {}
        self._sketches = sketches if sketches is not None else {}
        self.of_file: dict[str, Module] = {}  # the outermost in each
        for package in self.packages:
            for target in package.targets:
                self._crate(target.name, target.root, package)
        for path in tree.files:
            if path not in self.files and not self._only_for_tests(path):
                self._crate(_orphan(path), path, self._package_of(path))

    def _package_of(self, path: str) -> Package | None:
        inside = [p for p in self.packages if not p.directory or path.startswith(p.directory + "/")]
        return max(inside, key=lambda package: len(package.directory), default=None)

    def _only_for_tests(self, path: str) -> bool:
        """Whether the module above says `#[cfg(test)] mod name;` of a file that nothing else declares."""
        directory, name = posixpath.split(path)
        if name == "mod.rs":
            directory, name = posixpath.split(directory)
        beside = (posixpath.join(directory, one) for one in ("main.rs", "lib.rs", "mod.rs"))
        said = [
            match[1].decode()
            for above in (*beside, f"{directory}.rs")
            if above in self.files
            for match in _TEST_FILE.finditer(self._tree.files[above])
        ]
        return name.removesuffix(".rs") in said

    def _crate(self, name: str, root: str, package: Package | None) -> None:
        if root in self.files:
            return
        if name in self.crates:
            name = f"{name}@{root.removesuffix('.rs')}"
        module = Module(name, name, self._file(root))
        self.crates[name] = module
        if package is not None and package.proc_macro:
            self.compile_time.add(name)
        self.editions[name] = package.edition if package is not None else 2021
        pending = [(module, root, True)]
        while pending:
            current, path, is_root = pending.pop()
            self._collect(current)
            inline = [current]
            while inline:
                one = inline.pop()
                self.modules[one.path] = one
                inline += one.children.values()
                for child, where in one.outside:
                    found = self._locate(one, current, path, is_root, child, where)
                    if found in self._owners:
                        # `lib.rs` and `main.rs` both say `mod data;`: one file, one module
                        one.children[child] = self._owners[found]
                    elif found is not None and found not in self.files:
                        below = Module(f"{one.path}::{child}", name, self._file(found), one)
                        one.children[child] = self._owners[found] = below
                        named_mod = posixpath.basename(found) == "mod.rs" or where is not None
                        pending.append((below, found, named_mod))

    def _collect(self, module: Module) -> None:
        path = module.file.path
        self.of_file[path] = module
        sketch = self._sketches.get(path)
        if sketch is None:
            collect(module)
        else:
            fill(module, sketch)

    def _file(self, path: str) -> SourceFile:
        text, file = self._tree.files[path], self._parsed.get(path)
        if file is None or file.text != text:
            file = SourceFile(path, text)
        self.files[path] = file
        return file

    def _locate(
        self, module: Module, file_module: Module, path: str, is_root: bool, child: str, where: str | None
    ) -> str | None:
        directory = posixpath.dirname(path)
        if where is not None:
            return self._known(posixpath.normpath(posixpath.join(directory, where)))
        if not is_root:
            directory = posixpath.join(directory, posixpath.basename(path).removesuffix(".rs"))
        inner = module.path[len(file_module.path) :].strip(":")
        if inner:
            directory = posixpath.join(directory, *inner.split("::"))
        return self._known(posixpath.join(directory, f"{child}.rs")) or self._known(
            posixpath.join(directory, child, "mod.rs")
        )

    def _known(self, path: str) -> str | None:
        return path if path in self._tree.files else None

    def resolve(self, module: Module, path: Path) -> str:
        """The full path of what `path` names in `module`; foreign names keep their own path."""
        key = (module.path, path)
        known = self._cache.get(key)
        if known is None:
            self._tried.clear()
            known = self._cache[key] = self._resolve(module, path, 0)
        return known

    def _resolve(self, module: Module, path: Path, depth: int) -> str:
        if not path or depth > _DEPTH:
            return "::".join(path)
        head, rest = path[0], path[1:]
        start: Module | None = module
        if head in ("crate", "self", "super"):
            if head == "crate":
                start = self.crates.get(module.crate, module)
            while head == "super":
                start = start.parent if start is not None else None
                head, rest = (rest[0], rest[1:]) if rest and rest[0] == "super" else ("", rest)
            if start is None:
                return "::".join(path)
            return self._inside(start, rest, depth + 1) if rest else start.path
        found = self._lookup(module, path, depth)
        if found is not None:
            return found
        crate = self.crates.get(head)
        if crate is not None:
            return self._inside(crate, rest, depth + 1) if rest else crate.path
        root = self.crates.get(module.crate)
        if self.editions.get(module.crate) == 2015 and root is not None and head in root.children:
            return self._inside(root, path, depth + 1)  # edition 2015: `use` starts at the crate's root
        return "::".join(part for part in path if part)

    def _inside(self, module: Module, path: Path, depth: int) -> str:
        return self._lookup(module, path, depth) or "::".join((module.path, *path))

    def _lookup(self, module: Module, path: Path, depth: int) -> str | None:
        """`path` as seen from inside `module`: its own names, its imports, its globs."""
        key = (module.path, path)
        if depth > _DEPTH or key in self._tried:
            return None  # globs form cycles, and what failed once fails again
        self._tried.add(key)
        head, rest = path[0], path[1:]
        if head in module.types or (not rest and (head in module.functions or head in module.statics)):
            return "::".join((module.path, *path))
        if head in module.children:
            child = module.children[head]
            return self._inside(child, rest, depth + 1) if rest else child.path
        if head in module.uses:
            target = module.uses[head]
            if target == (head,):
                crate = self.crates.get(head)
                return None if crate is None or not rest else self._inside(crate, rest, depth + 1)
            return self._resolve(module, target + rest, depth + 1)
        for glob in module.globs:
            found = self._through_glob(module, glob, path, depth)
            if found is not None:
                return found
        return None

    def _through_glob(self, module: Module, glob: Path, path: Path, depth: int) -> str | None:
        if not glob:
            return None
        target = self._resolve(module, glob, depth + 1) if glob[0] != path[0] else "::".join(glob)
        own = self.modules.get(target)
        if own is not None:
            return self._lookup(own, path, depth + 2) if own is not module else None
        if path[0] in _FOREIGN_GLOBS.get(glob[-1], frozenset()):
            return "::".join(glob + path)
        return None


def _orphan(path: str) -> str:
    return path.removesuffix(".rs").replace("/", "::").replace("-", "_")
