"""How long a scan takes, beside semgrep with three rules on the same tree, in the same run.

``--tree PATH`` measures on that package instead of the made-up application. semgrep is taken from
``SEMGREP`` or the PATH (``pip install semgrep`` in an environment of its own: its pins are not ours);
without it the ratio is left open. Times are the best of three, of the whole command from its start, each
program with its bytecode compiled, as installers leave it.
"""

import gc
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import Figure, emit
from benchmarks._application import write
from deadheat.engine.scan import Memory
from deadheat.engine.scan import scan as review

ROUNDS = 3
SMALL, LARGE = 35_000, 100_000
RULES = """rules:
- id: guard-across-await
  languages: [rust]
  severity: WARNING
  message: a guard is held across an await
  pattern: |
    let $G = $M.lock().unwrap();
    ...
    $X.await;
- id: load-then-store
  languages: [rust]
  severity: WARNING
  message: a load decides about a store
  pattern: "if $A.load(...) { ... $A.store(...); ... }"
- id: two-locks
  languages: [rust]
  severity: WARNING
  message: a value is read under one lock and written under another
  pattern: |
    let $V = $M.lock().unwrap().$F;
    ...
    $M.lock().unwrap().$F = $W;
"""
# `/usr/bin/time` is not everywhere: a child measures its own peak.
_PEAK = (
    "import os, resource, runpy, sys; sys.argv = ['deadheat', *sys.argv[1:]]\n"
    "parent, leave = os.getpid(), os._exit\n"
    "os._exit = lambda code: sys.exit(code) if os.getpid() == parent else leave(code)\n"
    "try:\n    runpy.run_module('deadheat', run_name='__main__')\n"
    "finally:\n"
    "    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)\n"
    "    print(sum(resource.getrusage(one).ru_maxrss for one in both), file=sys.stderr)\n"
)


def compiled(home: Path) -> dict[str, str]:
    """The environment of our commands: bytecode is kept, in a place that goes with the run."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(home / "bytecode")}


def best(
    command: list[str], before: Callable[[], None] | None = None, environment: dict[str, str] | None = None
) -> float:
    """The shortest of several runs, in seconds."""
    times: list[float] = []
    for _ in range(ROUNDS):
        if before is not None:
            before()
        began = time.perf_counter()
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, env=environment
        )
        times.append(time.perf_counter() - began)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{command[0]} failed: {done.stderr.decode('utf-8', 'replace')[-800:]}")
    return min(times)


def scan(tree: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "deadheat", "scan", str(tree), "--exit-zero", "--format", "json", *more]


def edited(tree: Path) -> Callable[[], None]:
    """One more statement in a body in the middle of a file, a new one each time: all below it moves."""
    file = tree / "src" / "part2.rs"
    text = file.read_text("utf-8")
    at = text.index(";\n    ", text.index("fn ")) + 2
    number = itertools.count()

    def edit() -> None:
        file.write_text(f"{text[:at]}    let _edited = {next(number)};\n{text[at:]}", "utf-8")

    return edit


def peak(tree: Path, environment: dict[str, str]) -> float:
    """The most memory one cold scan has, in MB: both its processes, what they share counted twice."""
    arguments = scan(tree, "--no-cache")[3:]
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        env=environment,
    )
    return int(done.stderr.split()[-1]) / 1024


def saves_while_watching(tree: Path) -> float:
    """The shortest scan after an edit of one body in a process that stays, as `scan --watch` does.

    The wait until the save has settled (two looks at the files, 0.2 s apart) is not in it.
    """
    file, memory, times = tree / "src" / "part1.rs", Memory(), list[float]()
    text = file.read_text("utf-8")
    at = text.index(";\n    ", text.index("fn ")) + 2
    gc.disable()
    try:
        for number in range(ROUNDS + 2):  # the first two fill the memory
            edited = f"{text[:at]}    let _edited = {number};\n{text[at:]}"
            file.write_text(edited, "utf-8")
            began = time.perf_counter()
            review(tree, memory=memory)
            times.append(time.perf_counter() - began)
            gc.collect()
    finally:
        gc.enable()
        file.write_text(text, "utf-8")
    return min(times[2:])


def semgrep(tree: Path, rules: Path) -> float | None:
    program = os.environ.get("SEMGREP") or shutil.which("semgrep")
    if program is None:
        return None
    command = [program, "scan", "--config", str(rules), "--metrics", "off", "--disable-version-check",
               "--quiet", "--json", str(tree)]  # fmt: skip
    return best(command)


def main() -> None:
    """Measure and print the figures."""
    with tempfile.TemporaryDirectory(prefix="deadheat-bench-") as temporary:
        home = Path(temporary)
        rules = home / "rules.yml"
        rules.write_text(RULES, "utf-8")
        given = sys.argv[sys.argv.index("--tree") + 1] if "--tree" in sys.argv else None
        small = Path(given).resolve() if given is not None else home / "small"
        size = f"{write(small, SMALL):,} lines" if given is None else small.name
        ready = compiled(home)
        subprocess.run(scan(small, "--no-cache"), stdout=subprocess.DEVNULL, check=True, env=ready)
        ours, peer = best(scan(small, "--no-cache"), environment=ready), semgrep(small, rules)
        ratio = ours / peer if peer is not None else None
        figures = [
            Figure(
                f"scan from cold, {size}", "s", ours, peer, "semgrep, three rules", ratio,
                "at most a fifth of semgrep's time", None if ratio is None else ratio <= 0.2,
            )
        ]  # fmt: skip
        if given is None:
            large = home / "large"
            size = f"{write(large, LARGE):,} lines"
            took, memory = best(scan(large, "--no-cache"), environment=ready), peak(large, ready)
            figures += [
                Figure(f"scan from cold, {size}", "s", took, goal="under 4 s on two cores", met=took < 4),
                Figure(f"memory of it, {size}", "MB", memory, goal="under 1 GB", met=memory < 1_000),
            ]
            subprocess.run(scan(small), stdout=subprocess.DEVNULL, check=True, env=ready)
            again = best(scan(small), environment=ready)
            figures.append(Figure("scan again, nothing changed", "s", again, ours, "from cold", again / ours))
            changed = best(scan(small), before=edited(small), environment=ready)
            figures.append(
                Figure(
                    "scan again, one body changed in the middle of a file", "s", changed, ours, "from cold",
                    changed / ours, "under 0.5 s", changed < 0.5,
                )
            )  # fmt: skip
            saved = saves_while_watching(small)
            name = "the scan after one body is edited, in a process that stays (--watch)"
            figures.append(
                Figure(name, "s", saved, ours, "from cold", saved / ours, "under 0.5 s", saved < 0.5)
            )
        emit(*figures)


if __name__ == "__main__":
    main()
