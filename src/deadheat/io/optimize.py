"""How the probed copy is compiled: which crates are optimised for the sake of schedules a second.

Owns the profile on cargo's command line. Unoptimised, a request through Rocket takes several times the
processor time, most of it in a few crates and in the application's own copies of their generic code;
only these are optimised, so that an application with hundreds of dependencies builds about as long as
always. Debug assertions and overflow checks stay as they are in the development profile.
"""

import tomllib
from collections.abc import Iterator

REQUEST_PATH = (
    "rocket", "rocket_http", "hyper", "http", "httparse", "tokio", "bytes", "futures-util", "futures-core",
)  # fmt: skip
"""What every request runs through; part of every Rocket 0.5."""


def profile(package: str, runtime: str, manifest: bytes, *, optimize: bool) -> Iterator[str]:
    """Give cargo's arguments for a build of `package` with the crate `runtime` in it.

    `manifest` is that of the workspace: where it says how far the development profile is optimised, it
    decides.
    """
    # The runtime is on the path of every step.
    levels = {runtime: 2}
    if optimize and not _decided(manifest):
        # Of the application's own code little runs in a schedule, and it may be long in compiling.
        levels |= dict.fromkeys(REQUEST_PATH, 2) | {package: 1}
    for crate, level in levels.items():
        yield "--config"
        yield f"profile.dev.package.{crate}.opt-level={level}"


def _decided(manifest: bytes) -> bool:
    try:
        profiles = tomllib.loads(manifest.decode("utf-8", "replace")).get("profile", {})
    except tomllib.TOMLDecodeError:
        return False  # cargo says it better
    development = _table(_table(profiles).get("dev"))
    tables = [development, *map(_table, _table(development.get("package")).values())]
    return any("opt-level" in table for table in tables)


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
