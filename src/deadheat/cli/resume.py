"""`--resume RUN`: what was asked for is written down, so that the same can be asked for again.

Owns the words of the command line that a memory begins with. It must not know what is learned.
"""

import hashlib
import shlex
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from deadheat.engine.memory import Memory
from deadheat.io.journal import Journal
from deadheat.io.store import Store
from deadheat.model import DeadheatError, Run
from deadheat.model.config import Search


class Asked(Struct, frozen=True):
    """What `deadheat explore` was asked for; None leaves it to deadheat.toml."""

    scenario: str | None = None
    via: str = "probes"
    serve: str | None = None
    requests: int | None = None
    strategy: Search | None = None
    bound: int | None = None
    seed: int = 0
    config: str | None = None
    profile: str | None = None


def begun(store: Store, path: Path, target: str, asked: Asked, budget: int) -> Memory | None:
    """Begin a memory; None, with a warning, where nothing can be written."""
    try:
        number = store.reserve_run(target)
        journal = Journal(store.journal(number), create=True)
        return Memory(journal, number, _again(path, number), budget, msgspec.json.encode(asked))
    except (OSError, DeadheatError) as error:
        click.echo(f"warning: this exploration cannot be gone on with later: {error}", err=True)
        return None


def resumed(store: Store, path: Path, number: int, asked: Asked, budget: int | None) -> tuple[Memory, Asked]:
    """Take up a memory, and what was asked for when it began.

    Raises:
        click.UsageError: something else is asked for now.
        DeadheatError: there is nothing to go on with.
    """
    if asked != Asked():
        raise click.UsageError(
            f"--resume {number} asks for what run {number} asked for: leave out the other options of the"
            " search, but --budget if it is to be raised"
        )
    try:
        journal = Journal(store.journal(number), create=False)
        memory, words = Memory.resumed(journal, number, _again(path, number), budget)
        return memory, msgspec.json.decode(words, type=Asked)
    except OSError as error:
        raise DeadheatError(f"{store.journal(number)}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise DeadheatError(f"{store.journal(number)} is no memory of an exploration: {error}") from error


def ended(memory: Memory, run: Run, again: str) -> Run:
    """Let go of a memory and say, in the run, how it is gone on with."""
    further = again or (memory.again if run.interrupted and not memory.failed else "")
    memory.end(further=bool(further))
    notes = [f"Run {memory.number} went on: {memory.recalled} executions are of earlier sittings."]
    notes = notes if memory.recalled else []
    if memory.failed:
        notes.append(f"This exploration cannot be gone on with: {memory.failed}.")
    elif further:
        notes.append(f"To go on where this ended: {further}")
    return msgspec.structs.replace(run, notes=(*run.notes, *notes))


def fingerprints(command: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Give a hash of each file among the words of a command: of the program and what it runs."""
    files = ((word, Path(word)) for word in command)
    return tuple(
        (word, hashlib.sha256(file.read_bytes()).hexdigest()) for word, file in files if file.is_file()
    )


def _again(path: Path, number: int) -> str:
    return shlex.join(["deadheat", "explore", str(path), "--resume", str(number)])
