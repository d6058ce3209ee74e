"""Places in source text."""

from msgspec import Struct


class Span(Struct, frozen=True, order=True, cache_hash=True):
    """A stretch of one source file.

    Lines and columns are 1-based and the end is exclusive; columns count Unicode characters,
    as editors and SARIF do. `file` is relative to the project and POSIX.
    """

    file: str
    start_line: int
    start_column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        """The `file:line:column` that editors and terminals make clickable."""
        return f"{self.file}:{self.start_line}:{self.start_column}"

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a line of the same file."""
        return (
            self.file == other.file
            and self.start_line <= other.end_line
            and other.start_line <= self.end_line
        )
