"""The application that says when each request reached its handler: built, started, ended.

Owns `apps/spread`: its build, its certificate and its process.
"""

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from msgspec import Struct

APP = Path(__file__).resolve().parent / "apps" / "spread"
_LAUNCHED = re.compile(rb"launched from https?://[0-9.]+:(\d+)")


class Running(Struct, frozen=True):
    """Where it listens, and over TLS the certificates that vouch for it."""

    host: str
    port: int
    ca: str | None = None

    @property
    def scheme(self) -> str:
        return "http" if self.ca is None else "https"


def build(profile: str) -> Path:
    """Build it; gives the executable."""
    subprocess.run(["cargo", "build", "--quiet", "--profile", profile], cwd=APP, check=True)
    folder = "debug" if profile == "dev" else profile
    return Path(os.environ.get("CARGO_TARGET_DIR", APP / "target")) / folder / "spread"


@contextmanager
def spread(
    tls: bool = False, host: str = "127.0.0.1", prefix: Sequence[str] = (), profile: str = "release"
) -> Iterator[Running]:
    """Build it in a `profile` of cargo's and start it; `prefix` is a command to start it under."""
    executable = build(profile)
    environment = {
        **os.environ,
        "ROCKET_ADDRESS": host,
        "ROCKET_PORT": "0",
        "ROCKET_LOG_LEVEL": "critical",
        "ROCKET_CLI_COLORS": "false",
        "ROCKET_WORKERS": "4",
    }
    with TemporaryDirectory() as folder:
        ca_file = None
        if tls:
            authority, certificate, key = (Path(folder) / name for name in ("ca.pem", "cert.pem", "key.pem"))
            ca = trustme.CA()
            issued = ca.issue_cert(host)
            ca.cert_pem.write_to_path(authority)
            for part in issued.cert_chain_pems:
                part.write_to_path(certificate, append=True)
            issued.private_key_pem.write_to_path(key)
            environment["ROCKET_TLS"] = f'{{certs="{certificate}",key="{key}"}}'
            ca_file = str(authority)
        with subprocess.Popen(
            [*prefix, executable], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as child:
            try:
                yield Running(host, _port(child), ca_file)
            finally:
                child.kill()


def _port(child: subprocess.Popen[bytes]) -> int:
    if child.stdout is None:
        raise RuntimeError("the application has no output")
    said = b""
    for line in child.stdout:
        said += line
        if found := _LAUNCHED.search(line):
            threading.Thread(target=child.stdout.read, daemon=True).start()
            return int(found[1])
    raise RuntimeError(f"the application ended before it listened: {said.decode(errors='replace')}")
