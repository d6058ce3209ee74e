"""docs/rules/ is made from the rules and current."""

from pathlib import Path

from deadheat.rules.document import pages

DOCS = Path(__file__).parents[2] / "docs" / "rules"
MEND = (
    "python -c 'from pathlib import Path; from deadheat.rules.document import pages; "
    '[Path("docs/rules", name).write_text(text) for name, text in pages().items()]\''
)


def test_pages_are_current() -> None:
    written = {path.name: path.read_text("utf-8") for path in DOCS.glob("*.md")}
    assert written == pages(), f"run: {MEND}"
