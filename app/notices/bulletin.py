"""What the public may know of losses of supply: by area, never whose, and no number small enough to point at a home."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.kernel.unit_of_work import UnitOfWork
from app.network.models import Commodity
from app.notices import queries
from app.notices.queries import AreaCount

# Assumed: no standard at hand names a number; ten is a usual smallest cell of published counts.
FEWEST = 10
SHOWN_AFTER = timedelta(hours=6)  # as long as what is over stays on the page


@dataclass(frozen=True)
class Area:
    """A part of an outage in an area. `remaining`: still without supply; None: some, but fewer than `FEWEST`."""

    name_zh: str
    name_en: str
    remaining: int | None


@dataclass(frozen=True)
class Public:
    """An outage as the public sees it. `expected_at`: None while nobody has said; `over`: everybody has supply."""

    number: str
    commodity: Commodity
    planned: bool
    begun_at: datetime
    expected_at: datetime | None
    updated_at: datetime
    over: bool
    areas: list[Area]


@dataclass(frozen=True)
class Bulletin:
    """A branch's outages, newest first."""

    code: str
    name_zh: str
    name_en: str
    zone: str
    synthetic: bool
    outages: list[Public]


def bulletins(uow: UnitOfWork, *, code: str | None = None) -> list[Bulletin]:
    """What is public, of all branches or of the one with this code. Anybody may ask."""
    found = []
    for branch in queries.branches(uow.session, code):
        outages = queries.public_outages(uow.session, branch.id, since=uow.now - SHOWN_AFTER)
        counts = queries.area_counts(uow.session, [one.id for one in outages])
        shown = [
            Public(
                number=one.number,
                commodity=Commodity(one.commodity),
                planned=one.planned,
                begun_at=one.begun_at,
                expected_at=one.expected_at if one.remaining else None,
                updated_at=one.updated_at,
                over=not one.remaining,
                areas=coarsened([count for count in counts if count.outage_id == one.id]),
            )
            for one in outages
        ]
        found.append(Bulletin(branch.code, branch.name_zh, branch.name_en, branch.timezone, branch.synthetic, shown))
    return found


def coarsened(counts: list[AreaCount]) -> list[Area]:
    """Areas with their counts; those with too few are told with all of their sub-district, or of the branch.

    Whether a small area is affected at all is not told either: only the larger one that holds it is named.
    """
    found: list[Area] = []
    for level in ("community", "sub_district", "branch"):
        small: dict[UUID, list[AreaCount]] = {}
        for count in counts:
            if count.affected >= FEWEST or level == "branch":
                remaining = count.remaining if count.remaining >= FEWEST or not count.remaining else None
                found.append(Area(count.name_zh, count.name_en, remaining))
            else:
                small.setdefault(count.above_id, []).append(count)
        counts = [_together(parts) for parts in small.values()]
    return found


def _together(parts: list[AreaCount]) -> AreaCount:
    """What lies in one larger area, as that area."""
    one = parts[0]
    return AreaCount(
        outage_id=one.outage_id,
        area_id=one.above_id,
        name_zh=one.above_zh,
        name_en=one.above_en,
        above_id=one.branch_id,
        above_zh=one.branch_zh,
        above_en=one.branch_en,
        branch_id=one.branch_id,
        branch_zh=one.branch_zh,
        branch_en=one.branch_en,
        affected=sum(part.affected for part in parts),
        remaining=sum(part.remaining for part in parts),
    )
