"""The applications of the lab, as tests have them built: few variants, so that little is compiled twice."""

import os
import subprocess
from pathlib import Path

from deadheat.io.resources import resource

ROCKET = resource("lab", "rocket")
DATABASES = resource("lab", "databases")

PLAIN = {
    ROCKET: ("admin-gate", "counter", "coupons", "rate-limit", "sessions", "signup"),
    DATABASES: (
        "hits-redis", "orders-diesel", "signup-postgres", "stock-postgres", "stock-sqlite", "transfer",
        "transfer-serializable",
    ),
}  # fmt: skip
"""What some test runs without probes, by workspace; beside each its fixed twin."""


def plain(workspace: Path, application: str) -> Path:
    """Build an application without probes; gives the executable.

    All of its workspace at once: one after the other, cargo would choose other features for their common
    dependencies, and compile those for each choice.
    """
    twins = (f"{name}-fixed" for name in PLAIN[workspace])
    known = [name for name in (*PLAIN[workspace], *twins) if (workspace / name).is_dir()]
    assert application in known, f"{application} is to be named in PLAIN"
    packages = [word for name in known for word in ("-p", name)]
    subprocess.run(["cargo", "build", "--quiet", *packages], cwd=workspace, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", workspace / "target")) / "debug" / application


def unoptimised(application: Path, folder: Path) -> Path:
    """Write into `folder` the configuration of an application, built as plainly as its compiler can.

    Where the orders matter and not how many there are a second, compiling takes most of a test's time.
    Whoever hunts in a folder of the lab best does so with this one: each configuration is a build.
    """
    theirs = application / "deadheat.toml"
    file = folder / "deadheat.toml"
    file.write_text((theirs.read_text() if theirs.exists() else "") + "\n[app]\noptimize = false\n")
    return file
