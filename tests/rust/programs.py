"""Making small programs for the reader's tests."""

from deadheat.rust import Program, SourceTree, read

MANIFEST = (
    '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "{edition}"\n[dependencies]\nrocket = "0.5.1"\n'
)


def program(source: str | dict[str, str], *, edition: str = "2021", name: str = "app") -> Program:
    """A package of one file (`src/main.rs`) or of several."""
    files = {"src/main.rs": source} if isinstance(source, str) else source
    return read(
        SourceTree(
            "",
            {"Cargo.toml": MANIFEST.format(name=name, edition=edition).encode()},
            {path: text.encode() for path, text in files.items()},
        )
    )


def accesses(read_program: Program, handler: str = "") -> list[tuple[str, str]]:
    """(kind, state path) of a handler's accesses, in order."""
    paths = {state.id: state.path for state in read_program.review.states}
    return [
        (access.kind.value, paths[access.state])
        for access in read_program.review.accesses
        if access.handler.endswith(handler)
    ]


def texts(read_program: Program, source: str) -> list[str]:
    """The text of every site."""
    content = source.encode()
    return [content[slice(*site.call)].decode() for site in read_program.sites]
