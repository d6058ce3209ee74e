"""How racing programs are asked for rounds: one line of JSON each way, over standard input and output.

Owns the words between `release` and the workers that it starts, ours (`_ours`) and the peers'
(`_peers`); each runs in a process of its own, so that nobody's threads or garbage are another's.
Nothing of ours is imported by the peers' worker: it lives in an environment without Deadheat.
"""

import hashlib
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks._spread import Running

ROOT = Path(__file__).resolve().parent.parent


class Ask(msgspec.Struct, frozen=True):
    """Race `racers` requests to each of these paths, one round a path."""

    method: str
    paths: tuple[str, ...]
    racers: int


class Told(msgspec.Struct, frozen=True):
    """The bodies of each round's answers ("" where there was none), and the seconds all of it took."""

    rounds: tuple[tuple[str, ...], ...]
    seconds: float
    words: str = ""


class Worker:
    """A racing program."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child

    def race(self, ask: Ask) -> Told:
        """Have it race.

        Raises:
            RuntimeError: it ended, or could not.
        """
        if self._child.stdin is None or self._child.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._child.stdin.write(msgspec.json.encode(ask) + b"\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended while it raced {ask.method}")
        return msgspec.json.decode(line, type=Told)


@contextmanager
def worker(python: Path, script: str, target: Running, prefix: Sequence[str] = ()) -> Iterator[Worker]:
    """Start one against `target`."""
    command = [*prefix, str(python), str(ROOT / "benchmarks" / script)]
    arguments = [target.scheme, target.host, str(target.port), target.ca or ""]
    with subprocess.Popen(
        command + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as child:
        try:
            yield Worker(child)
        finally:
            child.kill()


def ours() -> Path:
    """The interpreter that Deadheat runs in."""
    return Path(sys.executable)


def peers() -> Path:
    """The interpreter of the peers' environment, made at the first use from pinned requirements."""
    pins = ROOT / "requirements" / "bench.txt"
    stamp = hashlib.sha256(pins.read_bytes()).hexdigest()[:16]
    home = ROOT / "build" / f"peers-{stamp}"
    python = home / "bin" / "python"
    if not (home / "ready").is_file():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--require-hashes", "-r", str(pins)], check=True, stdout=sys.stderr)
        (home / "ready").touch()
    return python
