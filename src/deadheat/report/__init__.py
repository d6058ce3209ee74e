"""A run → text: one module a format, all pure.

A new format is one new file with `render(run) -> str` and one line in `FORMATS`.
"""

from collections.abc import Callable

from deadheat.model import Run
from deadheat.report import json, markdown, terminal

FORMATS: dict[str, Callable[[Run], str]] = {
    "json": json.render,
    "markdown": markdown.render,
    "text": terminal.render,
}
"""The formats of `--format` and `--report FORMAT=PATH`, by name."""

__all__ = ["FORMATS"]
