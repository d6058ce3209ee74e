"""A run → text: one module a format, all pure.

A new format is one new file with `render(run) -> str` and one line in `FORMATS`.
"""

from collections.abc import Callable

from deadheat.model import Run
from deadheat.report import github, json, junit, markdown, sarif, terminal

FORMATS: dict[str, Callable[[Run], str]] = {
    "github": github.render,
    "json": json.render,
    "junit": junit.render,
    "markdown": markdown.render,
    "sarif": sarif.render,
    "text": terminal.render,
}
"""The formats of `--format` and `--report FORMAT=PATH`, by name."""

__all__ = ["FORMATS"]
