"""The command that repeats a run, as a report may show it."""

import shlex

from deadheat.report.secrets import Masker


def command(line: str, masker: Masker) -> str:
    """A command line with what looks like a credential in a word of it replaced; the rest can be pasted."""
    try:
        words = shlex.split(line)
    except ValueError:
        return masker.text(line)
    return shlex.join(masker.text(masker.target(word)) for word in words)
