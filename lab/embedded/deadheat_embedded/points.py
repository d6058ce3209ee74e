"""The table of probe points, read from the applications' own source.

Owns how a point is named and where it stands. A table kept by hand would rot; this one is read
from the syntax tree: every `STATE.lock(NUMBER)` is a point, and an acquisition of an exclusive
lock counts as a write. `points.json` beside the package is this table, for whoever does not
import it (`python -m deadheat_embedded --points` writes it; a test holds the two together).

Numbers are those that Deadheat gives the same calls of the Rust namesake: in source order, from 1.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from deadheat_embedded.apps import APPS

HOME = Path(__file__).parent.parent

Table = list[dict[str, str | int | dict[str, str | int]]]


def tables() -> dict[str, Table]:
    """Application → its points."""
    return {name: table(Path(module.__file__ or "")) for name, module in APPS.items()}


def table(file: Path) -> Table:
    """The points of one module; places in source are 1-based, their end exclusive, like a Span's."""
    points: Table = []
    for function in ast.parse(file.read_text(encoding="utf-8")).body:
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        seen: dict[str, int] = {}
        for number, state, call in _locks(function):
            ordinal = seen[state] = seen.get(state, -1) + 1
            points.append(
                {
                    "id": number,
                    "identity": f"{function.name}#Mutex::lock({state})[{ordinal}]",
                    "span": {
                        "file": file.relative_to(HOME).as_posix(),
                        "start_line": call.lineno,
                        "start_column": call.col_offset + 1,
                        "end_line": call.end_lineno or call.lineno,
                        "end_column": (call.end_col_offset or 0) + 1,
                    },
                    "state": state,
                    "effect": "write",
                    "operation": "Mutex::lock",
                }
            )
    return points


def _locks(function: ast.AsyncFunctionDef) -> Iterator[tuple[int, str, ast.Call]]:
    """Each `x.field.lock(N)`: N, the state by its type's name and field, the call."""
    types = {
        node.target.id: ast.unparse(node.annotation)
        for node in ast.walk(function)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(value=ast.Name(id=owner), attr=field), attr="lock"),
                args=[ast.Constant(value=int(number))],
            ):
                yield number, f"{types[owner]}.{field}", node
