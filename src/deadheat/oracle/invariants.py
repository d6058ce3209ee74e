"""Invariants: what must hold of every execution, as the user wrote it in CEL.

Owns the variables an invariant can speak of, and its three answers. It must not know requests: it
is given `Facts`. The language is CEL (https://cel.dev, Google's Common Expression Language), which
always ends and touches nothing, so that an expression from a file is safe to evaluate.

| variable | is |
|---|---|
| `answers` | one map a racer: `status`, `ok` (below 400), `body`, `json`, `headers`, `racer`, `principal`, `group`; `status` 0 for none |
| `successes` | how many answers are `ok` |
| `state`, `before` | what was observed after and before the racers, by name; numbers and JSON decoded |
| `alone` | the successes of each run one by one: `max(alone)` is what is legal |
| `limit` | the scenario's `limit`, else the most successes seen one by one |
| `n` | how many racers there were |

`sum`, `max`, `min` and `distinct` take lists, beside what CEL brings.
"""  # noqa: E501 - a table has one row a line

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from deadheat.model import Ok, Unknown

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

VARIABLES = ("answers", "successes", "state", "before", "alone", "limit", "n")

_POSITION = re.compile(r"<input>:(\d+):(\d+): (.*)")
_TOO_MANY = re.compile(r" expecting \{.*")


class InvariantError(Exception):
    """An expression that is no invariant; `column` is 1-based, into the expression as one line."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class Answer(Struct, frozen=True):
    """One racer's answer as invariants see it; status 0 when none came."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    racer: int = 0
    principal: str | None = None
    group: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the server did what it was asked."""
        return 0 < self.status < 400


class Facts(Struct, frozen=True):
    """Everything an invariant can speak of."""

    answers: tuple[Answer, ...]
    state: tuple[tuple[str, str], ...] = ()
    before: tuple[tuple[str, str], ...] = ()
    alone: tuple[int, ...] = ()
    limit: int | None = None

    @property
    def successes(self) -> int:
        """How many answers are `ok`."""
        return sum(answer.ok for answer in self.answers)


class Broken(Struct, frozen=True):
    """An invariant that does not hold."""

    source: str


class Invariant:
    """A compiled invariant.

    Raises:
        InvariantError: it does not parse, or speaks of something unknown; points at the character.
    """

    def __init__(self, source: str) -> None:
        """Compile `source`."""
        self.source = source
        try:
            # Late: the package brings its own command line along, a sixth of a second that
            # verbs without an invariant should not pay.
            import cel

            self._program = cel.compile(source)
        except ValueError as error:
            raise _unparsable(source, str(error)) from None
        bound = set(re.findall(r"\.(?:all|exists|exists_one|filter|map)\s*\(\s*(\w+)\s*,", source))
        for name in self._program.variables():
            if name not in VARIABLES and name not in bound:
                raise _unknown(source, name, VARIABLES)
        self._needs = frozenset(self._program.variables())

    def judge(self, facts: Facts) -> Ok | Broken | Unknown:
        """Say whether it holds; what cannot be evaluated is unknown, never ok."""
        if "limit" in self._needs and facts.limit is None and not facts.alone:
            return Unknown(f"`{self.source}` needs a limit: set `limit`, or let the scenario be reset")
        try:
            import cel

            value = self._program.execute(cel.Context(_variables(facts), dict(_FUNCTIONS)))
        except KeyError as error:
            return Unknown(f"`{self.source}`: nothing is called {error}")
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            return Unknown(f"`{self.source}`: {str(error).splitlines()[0]}")
        if not isinstance(value, bool):
            return Unknown(f"`{self.source}` is {value!r}, neither true nor false")
        return Ok() if value else Broken(self.source)


def judge_all(invariants: Sequence[Invariant], facts: Facts) -> tuple[tuple[Broken, ...], tuple[str, ...]]:
    """Give the invariants that do not hold, and why others could not be evaluated."""
    answers = [invariant.judge(facts) for invariant in invariants]
    return (
        tuple(answer for answer in answers if isinstance(answer, Broken)),
        tuple(answer.reason for answer in answers if isinstance(answer, Unknown)),
    )


def value_of(text: str) -> Value:
    """A text as a value: JSON where it is JSON, else the text without surrounding space."""
    try:
        decoded: Value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text.strip()
    return decoded


def _variables(facts: Facts) -> dict[str, object]:
    limit = facts.limit if facts.limit is not None else max(facts.alone, default=0)
    return {
        "answers": [_answer(answer) for answer in facts.answers],
        "successes": facts.successes,
        "state": {name: value_of(text) for name, text in facts.state},
        "before": {name: value_of(text) for name, text in facts.before},
        "alone": list(facts.alone),
        "limit": limit,
        "n": len(facts.answers),
    }


def _answer(answer: Answer) -> dict[str, object]:
    decoded = value_of(answer.body)
    return {
        "status": answer.status,
        "ok": answer.ok,
        "body": answer.body,
        "json": decoded if isinstance(decoded, dict | list | int | float) else None,
        "headers": {name.lower(): value for name, value in answer.headers},
        "racer": answer.racer,
        "principal": answer.principal or "",
        "group": answer.group or "",
    }


def _numbers(values: Sequence[object]) -> list[int | float]:
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) != len(values):
        raise TypeError("a list of numbers is needed")
    return numbers


def _distinct(values: Sequence[object]) -> list[object]:
    kept: list[object] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


_FUNCTIONS: Mapping[str, Callable[[Sequence[object]], object]] = {
    "sum": lambda values: sum(_numbers(values)),
    "max": lambda values: max(_numbers(values)),
    "min": lambda values: min(_numbers(values)),
    "distinct": _distinct,
}


def _unparsable(source: str, said: str) -> InvariantError:
    found = _POSITION.findall(said)
    # A parser that lost its way complains first about its own recovery; the syntax error is the news.
    line, column, words = next((hit for hit in found if "Syntax error" in hit[2]), ("1", "1", said))
    lines = source.split("\n")
    at = sum(len(text) + 1 for text in lines[: int(line) - 1]) + int(column)
    words = _TOO_MANY.sub("", words.removeprefix("Syntax error: ")).replace("'<EOF>'", "the end")
    return InvariantError(f"`{source}` is not CEL: {words} at character {at}\n{point(source, at)}", at)


def _unknown(source: str, name: str, known: Sequence[str]) -> InvariantError:
    found = re.search(rf"\b{re.escape(name)}\b", source)
    at = found.start() + 1 if found else 1
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    return InvariantError(
        f"`{source}`: nothing is called `{name}` (character {at}); {hint}\n{point(source, at)}", at
    )


def point(source: str, column: int) -> str:
    """The expression with an arrow below the character."""
    return f"    {' '.join(source.splitlines())}\n    {' ' * (column - 1)}^"
