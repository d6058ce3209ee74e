"""The JSON Schema of `--format json`, as `deadheat schema` publishes it.

Owns its identity and dialect (draft 2020-12); the content is drawn from the types in `document`.
"""

import msgspec

from deadheat.report.document import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = "urn:deadheat:run:1"
"""Raised when a reader of the old document could misread the new one; added fields do not raise it."""


def schema() -> dict[str, object]:
    """The schema as values."""
    return {"$schema": DIALECT, "$id": IDENTITY, "title": "Deadheat run", **msgspec.json.schema(Document)}


def render() -> str:
    """The schema as text, indented, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
