"""From sites to points and probes.

Owns which sites get a probe, how points are numbered, and their identity in the source. It must
not know the text of the forms (`forms`) nor how edits are applied (`edit`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from deadheat.model import AccessKind, Point, Site, SiteKind
from deadheat.probe.forms import Wrap, forms

__all__ = ["Plan", "Point", "Probe", "Wrap", "plan"]

_WITHOUT_POINT = frozenset({SiteKind.BUILD, SiteKind.SPAWN_FUTURE, SiteKind.SPAWN_CLOSURE, SiteKind.RECEIVE})


class Probe(Struct, frozen=True):
    """The edit at one site, in the form that is its turn; `turn` past the last form: dropped.

    `point` is 0 for attachments and spawns.
    """

    file: str
    point: int
    forms: tuple[Wrap, ...]
    turn: int = 0

    @property
    def wrap(self) -> Wrap | None:
        """The edit to make, None when the probe was dropped."""
        return self.forms[self.turn] if self.turn < len(self.forms) else None


class Plan(Struct, frozen=True):
    """All points and probes of a program. Point n is `points[n - 1]`."""

    points: tuple[Point, ...] = ()
    probes: tuple[Probe, ...] = ()

    @property
    def kept(self) -> int:
        """How many points a request can be held at."""
        return sum(1 for probe in self.probes if probe.point and probe.wrap)

    @property
    def dropped(self) -> int:
        """How many points the compiler (or the source) did not let us place."""
        return len(self.points) - self.kept

    @property
    def files(self) -> frozenset[str]:
        """The files that get edits."""
        return frozenset(probe.file for probe in self.probes if probe.wrap)

    @property
    def placed(self) -> tuple[Point, ...]:
        """The points a request can be held at."""
        placed = {probe.point for probe in self.probes if probe.wrap}
        return tuple(point for point in self.points if point.id in placed)


def plan(sites: Iterable[Site], sources: Mapping[str, bytes]) -> Plan:
    """Plan probes for `sites` in `sources` (file name to text).

    A site whose file is not there, or whose bytes cross another's, gets no probe; it still counts
    as a point, so that it is counted as dropped.
    """
    chosen = _distinct(sites)
    resources: dict[str, int] = {}
    ordinals: Counter[str] = Counter()
    points: list[Point] = []
    probes: list[Probe] = []
    ends: list[int] = []
    file = ""
    for site in chosen:
        source = sources.get(site.file)
        start, end = site.call
        if site.file != file:
            file, ends = site.file, []
        while ends and ends[-1] <= start:
            ends.pop()
        sound = source is not None and 0 <= start < end <= len(source) and not (ends and ends[-1] < end)
        number = 0
        if site.kind not in _WITHOUT_POINT:
            number = len(points) + 1
            points.append(_point(site, number, resources, ordinals))
        if source is not None and sound:
            ends.append(end)
            probes.append(Probe(site.file, number, forms(site, number, source)))
    return Plan(tuple(points), tuple(probes))


def _distinct(sites: Iterable[Site]) -> list[Site]:
    """One site for each call, in source order, an outer call before the calls inside it."""
    found: dict[tuple[str, tuple[int, int]], Site] = {}
    for site in sites:
        known = found.get((site.file, site.call))
        # The same call seen as something more particular tells the runtime more.
        if known is None or known.kind is SiteKind.CALL:
            found[site.file, site.call] = site
    return sorted(found.values(), key=lambda site: (site.file, site.call[0], -site.call[1]))


def _point(site: Site, number: int, resources: dict[str, int], ordinals: Counter[str]) -> Point:
    operation = site.operation or site.method
    of = f"({site.state})" if site.state else ""
    name = f"{site.function}#{operation}{of}"
    ordinal = ordinals[name]
    ordinals[name] += 1
    touched = site.domain or site.state
    known = resources.setdefault(touched, len(resources) + 1) if touched else 0
    effect = AccessKind.READ if site.effect is AccessKind.READ else AccessKind.WRITE
    return Point(
        id=number,
        identity=f"{name}[{ordinal}]",
        operation=operation,
        state=site.state,
        resource=0 if site.wide else known,
        effect=effect,
        span=site.span,
    )
