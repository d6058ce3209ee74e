"""``python -m benchmarks [NAME...]``: runs the benchmarks and rewrites docs/benchmarks.md.

A named subset is only printed: the page always holds one whole run.
"""

import os
import pkgutil
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

import benchmarks
from benchmarks import Figure, Figures

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def names() -> list[str]:
    """Every benchmark: the public modules of this package, in alphabetical order."""
    return sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_"))


def run(name: str) -> tuple[Figure, ...] | None:
    """Runs one benchmark in a process of its own; None, with its own error shown, when it fails."""
    print(f"benchmarks.{name} …", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--json"], stdout=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        print(f"benchmarks.{name} failed with exit code {done.returncode}", file=sys.stderr)
        return None
    try:
        return msgspec.json.decode(done.stdout, type=Figures).figures
    except msgspec.DecodeError as error:
        print(f"benchmarks.{name} printed something else than figures: {error}", file=sys.stderr)
        return None


def page(results: Mapping[str, tuple[Figure, ...] | None], machine: str) -> str:
    """The Markdown page: one table, one row a figure; a benchmark that failed is a row that says so."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {machine}. Each row was measured side by side in one run.",
        "",
        "| benchmark | figure | ours | peer | ours / peer | goal | met |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    for name, figures in results.items():
        if figures is None:
            lines.append(f"| {name} | did not finish | | | | | no |")
        for figure in figures or ():
            peer = "" if figure.peer is None else f"{_number(figure.peer)} ({figure.peer_name or 'peer'})"
            ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
            met = {True: "yes", False: "no", None: ""}[figure.met]
            cells = (
                name,
                figure.name,
                f"{_number(figure.ours)} {figure.unit}",
                peer,
                ratio,
                figure.goal,
                met,
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def main(wanted: list[str]) -> int:
    """Exit code 1 when a benchmark failed or a goal was missed; 2 for a name that does not exist."""
    known = names()
    if unknown := [name for name in wanted if name not in known]:
        print(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    results = {name: run(name) for name in wanted or known}
    text = page(results, _machine())
    if wanted:
        print(text, end="")
    else:
        PAGE.write_text(text, encoding="utf-8")
        print("wrote docs/benchmarks.md")
    failed = any(figures is None for figures in results.values())
    missed = any(figure.met is False for figures in results.values() for figure in figures or ())
    return 1 if failed or missed else 0


def _machine() -> str:
    """What bears on the figures; not the machine's name."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{system}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
