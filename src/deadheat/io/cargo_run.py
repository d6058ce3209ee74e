"""Running cargo, and what it says.

Owns the child process, its JSON messages (the Cargo book, "External tools") and rustc's
diagnostics (the rustc book, "JSON output"). It must not know about probes.
"""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from deadheat.model import ProjectError

Progress = Callable[[str, int, int], None]
"""Called with a crate's name, how many are compiled, and how many there are (0: not known)."""


class Place(Struct, frozen=True):
    """A span of a diagnostic; `expansion` is the macro call it came from."""

    file_name: str
    byte_start: int
    byte_end: int
    is_primary: bool = False
    expansion: "Expansion | None" = None


class Expansion(Struct, frozen=True):
    """The call site of a macro."""

    span: Place


class Diagnostic(Struct, frozen=True):
    """What rustc complains about, as data and as it would be shown."""

    level: str
    message: str
    rendered: str | None = None
    spans: tuple[Place, ...] = ()
    children: tuple["Diagnostic", ...] = ()

    def places(self) -> Iterator[Place]:
        """Give the spans, what is meant first, each with the macro calls around it."""
        for span in sorted(self.spans, key=lambda span: not span.is_primary):
            place: Place | None = span
            while place:
                yield place
                place = place.expansion.span if place.expansion else None
        for child in self.children:
            yield from child.places()


class _Target(Struct, frozen=True):
    name: str
    kind: tuple[str, ...] = ()


class _Message(Struct, frozen=True):
    reason: str
    package_id: str = ""
    target: _Target | None = None
    message: Diagnostic | None = None
    executable: str | None = None


class Outcome(Struct, frozen=True):
    """How a build went: `executables` by target name, `errors` of the compiler, `said` on stderr.

    `refused` are the package ids (the Cargo book, "Package ID Specifications") of what has errors.
    """

    ok: bool
    executables: dict[str, Path]
    errors: tuple[Diagnostic, ...]
    said: str
    refused: frozenset[str] = frozenset()

    @property
    def rendered(self) -> str:
        """The errors as cargo shows them; without any, the end of what it said."""
        shown = "\n".join((error.rendered or error.message).rstrip() for error in self.errors)
        return shown or "\n".join(self.said.splitlines()[-30:])


def program(name: str) -> str:
    """Find `cargo` or `rustc`.

    Raises:
        ProjectError: there is none.
    """
    found = os.environ.get(name.upper()) or shutil.which(name)
    if not found:
        raise ProjectError(
            f"{name} was not found: to run your application Deadheat must build it;"
            " install a Rust toolchain, or use `deadheat scan`, which works without one"
        )
    return found


def ask(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None
) -> tuple[int, bytes, str]:
    """Run a short command; give its exit status, output and what it said on stderr."""
    child = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, check=False
    )
    return child.returncode, child.stdout, child.stderr.decode("utf-8", "replace")


def compile_(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    total: int,
    progress: Progress | None,
) -> Outcome:
    """Run a `cargo build --message-format=json …`; all its children end with us."""
    said: list[str] = []
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    stderr = child.stderr
    listener = threading.Thread(
        target=lambda: said.extend(line.decode("utf-8", "replace") for line in stderr), daemon=True
    )
    listener.start()
    try:
        executables, errors, refused = _listen(child.stdout, total, progress)
        status = child.wait()
        listener.join()
    finally:
        _end(child)
    return Outcome(status == 0, executables, tuple(errors), "".join(said), refused)


def _listen(
    lines: Iterator[bytes], total: int, progress: Progress | None
) -> tuple[dict[str, Path], list[Diagnostic], frozenset[str]]:
    executables: dict[str, Path] = {}
    errors: list[Diagnostic] = []
    refused: set[str] = set()
    compiled: set[str] = set()
    for line in lines:
        try:
            message = msgspec.json.decode(line, type=_Message)
        except msgspec.MsgspecError:
            continue  # a macro that prints while it is expanded: cargo's own lines are all JSON
        if message.message is not None and message.message.level.startswith("error"):
            errors.append(message.message)
            refused.add(message.package_id)
        if message.reason == "compiler-artifact" and message.target:
            if message.executable and "bin" in message.target.kind:
                executables[message.target.name] = Path(message.executable)
            compiled.add(message.package_id)
            if progress:
                progress(message.target.name, len(compiled), max(total, len(compiled)) if total else 0)
    # "aborting due to …" has no span and says nothing that the others do not.
    return executables, [error for error in errors if error.spans] or errors, frozenset(refused)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended by itself in this very moment
        child.wait()
    for stream in (child.stdout, child.stderr):
        if stream:
            stream.close()
