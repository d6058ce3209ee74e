"""A run → text: one module a format, all pure.

A new format is one new file with `render(run) -> str` and one line in `FORMATS`.
"""

from collections.abc import Callable
from importlib import import_module

from deadheat.model import Run

_MODULES = {"text": "terminal"}  # by format, where it is not called after it


def prepare(name: str) -> None:
    """Import a format, while there is time: `FORMATS[name]` does it too."""
    import_module(f"deadheat.report.{_MODULES.get(name, name)}")


def _of(module: str) -> Callable[[Run], str]:
    """Import the format when it is asked for: a scan for machines need not wait for tables and colours."""

    def render(run: Run) -> str:
        drawn: str = import_module(f"deadheat.report.{module}").render(run)
        return drawn

    return render


FORMATS: dict[str, Callable[[Run], str]] = {
    "github": _of("github"),
    "json": _of("json"),
    "junit": _of("junit"),
    "markdown": _of("markdown"),
    "sarif": _of("sarif"),
    "text": _of("terminal"),
}
"""The formats of `--format` and `--report FORMAT=PATH`, by name."""

__all__ = ["FORMATS", "prepare"]
