"""Findings that somebody looked at and accepts: `// deadheat: allow(RULE) reason="…"`.

Owns the comment, which lines it speaks about (its own, or the next one with code) and what is wrong
with one: no reason, no such rule, nothing there to allow. It must not know any rule beyond its name
and code. A comment and never an attribute, because an unknown tool attribute does not compile.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct
from tree_sitter import Node

from deadheat.model import Acceptance, Finding, Span, Suppressed
from deadheat.rust import Program
from deadheat.rust.syntax import SourceFile

_DIRECTIVE = re.compile(r"^//+!?\s*deadheat:\s*(?P<verb>[A-Za-z-]+)\s*(?P<rest>.*)$", re.DOTALL)
_ALLOW = re.compile(
    r"""^\((?P<rules>[^()]*)\)\s*(?:reason\s*=\s*"(?P<reason>(?:[^"\\]|\\.)*)"\s*)?(?P<more>.*)$""", re.DOTALL
)
_VERBS = ("allow", "assume")
_ESCAPE = re.compile(r"\\(.)")


class Allow(Struct, frozen=True):
    """One comment. `line` is the line of code that it speaks about besides its own.

    `wrong` says why nothing is allowed by it, empty when it is well formed.
    """

    rules: tuple[str, ...]
    reason: str
    span: Span
    line: int
    wrong: str = ""


class Checked(Struct, frozen=True):
    """What the rules found: `findings` to report, `suppressed` with their reasons, and `idle` comments."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    idle: tuple[tuple[Allow, str], ...]


def parse(comment: str, span: Span, line: int) -> Allow | None:
    """The `allow` that a line comment is; None when it is none."""
    found = _DIRECTIVE.match(comment.strip())
    if found is None:
        return None
    verb, rest = found["verb"], found["rest"].strip()
    if verb not in _VERBS:
        near = get_close_matches(verb, _VERBS, 1, 0.5)
        hint = f"did you mean `{near[0]}`?" if near else "there are `allow` and `assume`"
        return Allow((), "", span, line, f"`deadheat: {verb}` means nothing; {hint}")
    if verb != "allow":
        return None
    said = _ALLOW.match(rest)
    names = tuple(name.strip().lower() for name in said["rules"].split(",") if name.strip()) if said else ()
    if said is None or not names:
        return Allow((), "", span, line, 'it names no rule: write `allow(check-then-act) reason="…"`')
    reason = _ESCAPE.sub(r"\1", said["reason"] or "").strip()
    if not reason:
        return Allow(names, "", span, line, 'it gives no reason: add `reason="…"`, for the next reader')
    if said["more"].strip():
        return Allow(names, reason, span, line, f"`{said['more'].strip()}` after the reason means nothing")
    return Allow(names, reason, span, line)


def allows(program: Program) -> tuple[Allow, ...]:
    """Every `allow` of the program, well formed or not, in file order."""
    return tuple(
        allow for path in sorted(program.modules.files) for allow in _of_file(program.modules.files[path])
    )


def _of_file(file: SourceFile) -> Iterator[Allow]:
    if b"deadheat:" not in file.text:
        return
    lines = file.text.decode("utf-8", "replace").split("\n")
    for node in _comments(file.full.root_node):
        content = (node.text or b"").decode("utf-8", "replace")
        span = file.span(node.start_byte, node.start_byte + len((node.text or b"").rstrip()))
        allow = parse(content, span, _about(lines, span.start_line))
        if allow is not None:
            yield allow


def _comments(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type == "line_comment":
            if b"deadheat:" in (node.text or b""):
                yield node
        elif b"deadheat:" in (node.text or b""):
            pending += reversed(node.children)


def _about(lines: list[str], line: int) -> int:
    """The line of code below a comment that stands alone: past other comments and attributes."""
    if not lines[line - 1].lstrip().startswith("//"):
        return line
    for number in range(line, len(lines)):
        text = lines[number].strip()
        if not text:
            return line
        if not text.startswith(("//", "#[")):
            return number + 1
    return line


def suppress(findings: Iterable[Finding], stated: tuple[Allow, ...], codes: Mapping[str, str]) -> Checked:
    """Take out what is allowed; `codes` maps each rule's name and code (lower case) to its name.

    A comment counts on the line of the act or of the check.
    """
    by_line: dict[tuple[str, int], list[tuple[int, Allow]]] = {}
    for number, allow in enumerate(stated):
        if not allow.wrong:
            for line in {allow.span.start_line, allow.line}:
                by_line.setdefault((allow.span.file, line), []).append((number, allow))
    used: set[tuple[int, str]] = set()
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in findings:
        spans = [finding.location] + ([finding.window.check.span] if finding.window is not None else [])
        reason = None
        for span in spans:
            for number, allow in by_line.get((span.file, span.start_line), ()):
                for name in allow.rules:
                    if codes.get(name) == finding.rule:
                        used.add((number, name))
                        reason = reason if reason is not None else allow.reason
        if reason is None:
            kept.append(finding)
        else:
            suppressed.append(Suppressed(finding, Acceptance.COMMENT, reason))
    idle: list[tuple[Allow, str]] = []
    for number, allow in enumerate(stated):
        if allow.wrong:
            idle.append((allow, allow.wrong))
            continue
        for name in allow.rules:
            if name not in codes:
                near = get_close_matches(name, codes, 1)
                hint = f"did you mean `{near[0]}`?" if near else "`deadheat explain` lists them"
                idle.append((allow, f"there is no rule `{name}`; {hint}"))
            elif (number, name) not in used:
                idle.append((allow, f"nothing here is {name}: take the comment out"))
    return Checked(tuple(kept), tuple(suppressed), tuple(idle))
