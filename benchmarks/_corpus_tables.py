"""What the corpus run tells a person: a table per repository, the misses, the false alarms.

Owns the text. It must not count anything itself.
"""

from benchmarks._corpus_labels import Label, about, lines
from benchmarks._corpus_scan import Outcome, Scanned, is_medium
from deadheat.model import Finding


def repositories(scans: tuple[Scanned, ...], outcomes: tuple[Outcome, ...]) -> str:
    """One row a scan."""
    rows: list[tuple[str, ...]] = [
        (
            "repository",
            "lines",
            "races",
            "any",
            "medium+",
            "clean",
            "flagged",
            "medium+ all",
            "per 1,000",
            "s",
        )
    ]
    for scan in scans:
        mine = [one for one in outcomes if one.scan is scan]
        races = [one for one in mine if one.label.kind == "race"]
        clean = [one for one in mine if one.label.kind == "clean"]
        medium = sum(is_medium(finding) for _, finding in scan.findings)
        rows.append((
            f"{scan.repo}@{scan.commit[:8]}", f"{scan.lines:,}", str(len(races)),
            str(sum(bool(one.any) for one in races)), str(sum(bool(one.medium) for one in races)),
            str(len(clean)), str(sum(bool(one.medium) for one in clean)), str(medium),
            f"{1000 * medium / max(scan.lines, 1):.2f}", f"{scan.seconds:.1f}",
        ))  # fmt: skip
    return _table(rows)


def labels(outcomes: tuple[Outcome, ...]) -> str:
    """One row a label: found or not, by what, or why not as far as the run can tell."""
    rows: list[tuple[str, ...]] = [("label", "kind", "confirmed", "verdict", "place", "by / nearest")]
    for one in outcomes:
        found = one.medium or one.any
        verdict = "medium+" if one.medium else "low" if one.any else "not found"
        rows.append((
            one.label.id, one.label.kind, one.label.confirmed, verdict,
            f"{one.scan.repo.split('/')[-1]} {one.label.place}",
            "; ".join(dict.fromkeys(brief(finding) for _, finding in found[:3])) if found else nearest(one),
        ))  # fmt: skip
    return _table(rows)


def nearest(one: Outcome) -> str:
    """Why nothing was found, as far as the run can tell."""
    if one.scan.problem is not None:
        return one.scan.problem
    label: Label = one.label
    if label.path not in one.scan.files:
        return "the file was not read"
    near = [
        (min(abs(first - label.line_end), abs(label.line_start - last)), finding)
        for prefix, finding in one.scan.findings
        for file, first, last in lines(finding)
        if prefix + file == label.path and not about(finding, label, prefix)
    ]
    if not near:
        return "no finding in this file"
    return f"nearest: {brief(min(near, key=lambda pair: pair[0])[1])}"


def brief(finding: Finding) -> str:
    """A finding in a few words."""
    _, first, last = lines(finding)[0]
    return f"{finding.code} {finding.confidence} {first}-{last} {finding.state.path}"


def findings(scans: tuple[Scanned, ...]) -> str:
    """Every finding of medium confidence or above, to be read one by one."""
    rows: list[tuple[str, ...]] = [("repository", "place", "code", "confidence", "state", "handlers")]
    for scan in scans:
        for prefix, finding in scan.findings:
            if is_medium(finding):
                file, first, last = lines(finding)[0]
                rows.append((
                    f"{scan.repo.split('/')[-1]}@{scan.commit[:8]}", f"{prefix}{file}:{first}-{last}",
                    finding.code,
                    str(finding.confidence), finding.state.path, ", ".join(finding.handlers[:2]),
                ))  # fmt: skip
    return _table(rows)


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
