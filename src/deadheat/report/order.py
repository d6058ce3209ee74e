"""In which order a report tells findings."""

from deadheat.model import Finding, Proof


def order(findings: tuple[Finding, ...]) -> list[Finding]:
    """Worst first; of equally bad ones the proven, then the surer."""
    proofs = list(Proof)[::-1]
    return sorted(
        findings,
        key=lambda f: (f.severity.rank, proofs.index(f.proof), f.confidence.rank, f.location, f.code),
    )
