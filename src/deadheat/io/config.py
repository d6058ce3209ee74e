"""Reads `deadheat.toml` and resolves it.

Owns where the file is looked for, what `${ENV}` and a profile mean, and that every mistake ends
as one line with file, line and mend. It must not know the engine, nor how the file is laid out
(`config_file`), how a request is written (`config_request`) or a mistake told (`config_mistake`).
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from msgspec import UNSET, structs

from deadheat.io.config_attack import principals, targets
from deadheat.io.config_file import ConfigFile, schema
from deadheat.io.config_mistake import Mistake, Place, convert, line_of, suggest, toml_mistake
from deadheat.io.config_place import NAMES, configured
from deadheat.io.config_request import checked_headers
from deadheat.io.config_scenario import scenarios
from deadheat.model.config import Config, Explore
from deadheat.model.errors import ProjectError

__all__ = ["NAMES", "find", "load", "parse", "schema"]

_REFERENCE = re.compile(r"\$(\$)?\{([^}]*)\}")


def find(project: Path) -> Path | None:
    """The configuration file of the project folder (or of its Cargo.toml), None without one.

    Raises:
        ProjectError: there are two; keep one.
    """
    present = configured(project)
    if len(present) > 1:
        raise ProjectError(f"{present[0]} and {present[1]} both exist: keep one of them")
    return present[0] if present else None


def load(
    path: Path,
    explicit: Path | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of the project at `path`; the defaults when it has none.

    Args:
        path: the folder of Cargo.toml, or Cargo.toml itself.
        explicit: the file the user named; it must exist.
        profile: the name of a `[profile.NAME]` whose settings win over `[explore]`.
        environ: what `${NAME}` refers to; the process's environment by default.

    Raises:
        ProjectError: unreadable, not TOML, an unknown key, a wrong type, a missing variable,
            a malformed request, an unknown profile. The message names file, line and mend.
    """
    file = explicit or find(path)
    if file is None:
        if profile is not None:
            raise ProjectError(
                f"no profile `{profile}`: {path} has no {NAMES[0]}; write one with [profile.{profile}]"
            )
        return Config()
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(f"{file}: no such file; name an existing one or leave the option out") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{file}: not UTF-8; save it as UTF-8, as TOML requires") from None
    except OSError as error:
        raise ProjectError(f"{file}: cannot be read ({error.strerror}); mend its permissions") from None
    try:
        return parse(text, profile, os.environ if environ is None else environ, str(file))
    except Mistake as mistake:
        raise ProjectError(f"{file}:{line_of(text, mistake.place)}: {mistake.message}") from None
    except tomllib.TOMLDecodeError as error:
        at, message = toml_mistake(text, error)
        raise ProjectError(f"{file}:{at}: {message}") from None


def parse(text: str, profile: str | None, environ: Mapping[str, str], file: str) -> Config:
    """The configuration written in `text`; `load` without the file system and its errors."""
    secrets: list[str] = []
    document = _expand(tomllib.loads(text), environ, secrets, ())
    assert isinstance(document, dict)
    tables = convert(document)
    headers = checked_headers(tables.headers, ("headers",))
    return Config(
        values=tables.values,
        headers=headers,
        app=tables.app,
        explore=_explore(tables, profile),
        scenarios=scenarios(tables.scenario, headers, frozenset(tables.principals)),
        ignore=tables.ignore.handlers,
        secrets=tuple(dict.fromkeys(secrets)),
        attack=tables.attack,
        targets=targets(tables.target),
        principals=principals(tables.principals, headers),
        file=file,
    )


def _expand(value: object, environ: Mapping[str, str], secrets: list[str], place: Place) -> object:
    """`value` with every `${NAME}` in its strings replaced; `$${` stands for a plain `${`."""

    def replace(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return f"${{{name}}}"
        if name not in environ:
            raise Mistake(
                place,
                f"the environment has no variable `{name}`: set it, or write `$${{{name}}}` to mean the text",
            )
        if environ[name]:
            secrets.append(environ[name])
        return environ[name]

    match value:
        case str():
            return _REFERENCE.sub(replace, value)
        case dict():
            return {key: _expand(item, environ, secrets, (*place, key)) for key, item in value.items()}
        case list():
            return [_expand(item, environ, secrets, (*place, index)) for index, item in enumerate(value)]
        case _:
            return value


def _explore(tables: ConfigFile, profile: str | None) -> Explore:
    if profile is None:
        return tables.explore
    if profile not in tables.profile:
        hint = suggest(profile, tables.profile) or f"profiles here: {', '.join(tables.profile) or 'none'}"
        raise Mistake((), f"no profile `{profile}`; {hint}")
    given = structs.asdict(tables.profile[profile])
    return structs.replace(
        tables.explore, **{key: value for key, value in given.items() if value is not UNSET}
    )
