"""The catalogue of 52 patterns: each is covered by a rule, or left out by a written decision."""

import importlib
import pkgutil
import re
from pathlib import Path

import deadheat.rules

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"
CATALOGUE = frozenset(range(1, 53))


def named(text: str, word: str) -> set[int]:
    """The numbers after `Covers` (or `Leaves out`): `P4`, `P9 and P10`, `P21–P23`."""
    found: set[int] = set()
    for sentence in re.findall(rf"\b{word}\b((?:[^.]|\.(?=\d))*)", text):
        for first, last in re.findall(r"\bP(\d+)(?:\s*[–-]\s*P(\d+))?", sentence):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def rule_docstrings() -> dict[str, str]:
    modules = (name for _, name, _ in pkgutil.iter_modules(deadheat.rules.__path__))
    loaded = {name: importlib.import_module(f"deadheat.rules.{name}") for name in modules}
    return {name: module.__doc__ or "" for name, module in loaded.items() if hasattr(module, "RULE")}


def test_every_pattern_is_covered_or_left_out_for_a_reason() -> None:
    covered: set[int] = set()
    for text in rule_docstrings().values():
        covered |= named(text, "Covers")
    left_out: set[int] = set()
    for path in DECISIONS.glob("*.md"):
        left_out |= named(path.read_text("utf-8"), "Leaves out")
    assert covered <= CATALOGUE
    missing = sorted(CATALOGUE - covered - left_out)
    assert not missing, "no rule says that it covers " + ", ".join(f"P{number}" for number in missing)


def test_numbers_are_read_as_people_write_them() -> None:
    text = "DH101: something. Covers P2, P6 and P9–P10: a, b.\nMore about P40."
    assert named(text, "Covers") == {2, 6, 9, 10}
