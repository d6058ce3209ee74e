"""What two model checkers of programs, frontrun (Python) and shuttle (Rust), say of the lab's logic."""

import os
import subprocess
from functools import cache
from pathlib import Path
from statistics import median

import msgspec

from benchmarks._racing import ROOT, peers

_SHUTTLE = ROOT / "benchmarks" / "shuttle_peer"


class _Frontrun(msgspec.Struct, frozen=True):
    program: str
    measured: str
    value: float | None


class Shuttle(msgspec.Struct, frozen=True):
    """One scheduler on one program: executions to the first bug, one a seed, and to the end."""

    program: str
    scheduler: str
    first: tuple[int | None, ...]
    all: int | None

    @property
    def median(self) -> float:
        """The median over the seeds; infinite where most found nothing."""
        return median(float("inf") if count is None else count for count in self.first)


@cache
def frontrun() -> dict[tuple[str, str], float | None]:
    """Give what it measured, by program and what was measured."""
    return {(each.program, each.measured): each.value for each in _told("_frontrun.py")}


def frontrun_postgres(url: str) -> dict[str, float]:
    """Give what it measured before an empty PostgreSQL; infinite where it found nothing."""
    told = _told("_frontrun_postgres.py", url)
    return {each.measured: float("inf") if each.value is None else each.value for each in told}


def _told(script: str, *arguments: str) -> list[_Frontrun]:
    python = peers()
    command = [str(python.parent / "frontrun"), str(python), str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(b"{")]
    return [msgspec.json.decode(line, type=_Frontrun) for line in lines]


def shuttle() -> list[Shuttle]:
    """Build it and give what each scheduler found in each program."""
    subprocess.run(["cargo", "build", "--quiet", "--locked"], cwd=_SHUTTLE, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", _SHUTTLE / "target"))
    # Its panics are the bugs it finds.
    done = subprocess.run(
        [target / "debug" / "shuttle-peer"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(b"{")]
    return [msgspec.json.decode(line, type=Shuttle) for line in lines]
