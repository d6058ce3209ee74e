"""The file of findings that a team has accepted.

Owns its format: JSON, keyed by fingerprint and sorted, so that it can be read, reviewed and merged. What
stands beside a fingerprint (rule, place, state) is for people; only `reason` is ours to keep.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from deadheat.model import DeadheatError, Finding

_VERSION = 1


class Entry(Struct, frozen=True, omit_defaults=True):
    """One accepted finding. `where` and the like were true when it was accepted."""

    rule: str = ""
    state: str = ""
    where: str = ""
    reason: str = ""


class _File(Struct, frozen=True):
    version: int
    findings: dict[str, Entry]


def load(path: Path) -> Mapping[str, Entry]:
    """The accepted findings by fingerprint.

    Raises:
        DeadheatError: the file cannot be read, or is no baseline.
    """
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError as error:
        raise DeadheatError(f"{path}: there is no such baseline; `--update-baseline` writes one") from error
    except OSError as error:
        raise DeadheatError(f"{path}: the baseline cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise DeadheatError(f"{path}: this is no baseline: {error}") from error
    if content.version != _VERSION:
        raise DeadheatError(
            f"{path}: a baseline of version {content.version}; this Deadheat reads {_VERSION}"
        )
    return content.findings


def save(path: Path, findings: Iterable[Finding]) -> int:
    """Write the baseline that accepts `findings`, keeping reasons already given; how many it holds.

    Raises:
        DeadheatError: the file cannot be written, or what is there is no baseline.
    """
    before = load(path) if path.exists() else {}
    entries: dict[str, Entry] = {}
    for finding in findings:
        old = before.get(finding.fingerprint, Entry())
        # No line: it would change with every edit above, and the file with it.
        where = (finding.window.act.handler if finding.window is not None else "") or finding.location.file
        entries[finding.fingerprint] = Entry(finding.rule, finding.state.path, where, old.reason)
    ordered = {
        key: entries[key]
        for key in sorted(entries, key=lambda key: (entries[key].where, entries[key].rule, key))
    }
    content = msgspec.json.format(msgspec.json.encode(_File(_VERSION, ordered)), indent=2)
    try:
        path.write_bytes(content + b"\n")
    except OSError as error:
        raise DeadheatError(f"{path}: the baseline cannot be written: {error.strerror}") from error
    return len(ordered)
