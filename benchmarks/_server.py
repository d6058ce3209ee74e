"""Plain applications of the lab: built without probes, started, awaited, ended."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent / "lab" / "rocket"
_LAUNCHED = re.compile(rb"launched from http://127\.0\.0\.1:(\d+)")


@contextmanager
def plain(application: str) -> Iterator[int]:
    """Build and start an application of the lab; gives its port."""
    subprocess.run(["cargo", "build", "--quiet", "-p", application], cwd=LAB, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", LAB / "target"))
    environment = {
        **os.environ,
        "ROCKET_PORT": "0",
        "ROCKET_LOG_LEVEL": "critical",
        "ROCKET_CLI_COLORS": "false",
    }
    with subprocess.Popen(
        [target / "debug" / application], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        try:
            yield _port(child)
        finally:
            child.kill()


def _port(child: subprocess.Popen[bytes]) -> int:
    if child.stdout is None:
        raise RuntimeError("the application has no output")
    for line in child.stdout:
        if found := _LAUNCHED.search(line):
            threading.Thread(target=child.stdout.read, daemon=True).start()
            return int(found[1])
    raise RuntimeError("the application ended before it listened")
