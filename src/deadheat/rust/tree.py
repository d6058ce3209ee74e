"""The text of a Cargo package and of its workspace neighbours, as one value.

Owns the shape in which source reaches the reader. It must not know how the text was found: a
directory, an archive and a test's string literals look alike from here.
"""

from msgspec import Struct


class SourceTree(Struct, frozen=True):
    """Manifests and Rust files by path, relative to the workspace root, POSIX.

    `root_package` is the directory of the package that is reviewed, `""` when it is the
    workspace root itself. A virtual workspace is reviewed as a whole. `unreadable` names files
    that exist but could not be read, with the reason. `sql` holds migrations and schema files.
    """

    root_package: str
    manifests: dict[str, bytes]
    files: dict[str, bytes]
    unreadable: tuple[tuple[str, str], ...] = ()
    sql: dict[str, bytes] = {}
