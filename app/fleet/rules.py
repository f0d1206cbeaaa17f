"""Why a tablet needs somebody, and in which order. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.identity.models import DeviceState


class Need(StrEnum):
    """A reason to look at a tablet, the gravest first."""

    QUARANTINED = "quarantined"  # ops that nobody could judge: work that is in no record
    PROOF = "proof"  # the last day's counts differ on the tablet and here
    LEFT_BEHIND = "left_behind"  # signed out, and work is on it still
    OLD_QUEUE = "old_queue"
    STORAGE = "storage"
    DIFFERS = "differs"  # what it holds does not add up, and has not healed by itself
    CONFLICTS = "conflicts"
    REJECTED = "rejected"
    OTHER_LIFE = "other_life"  # it has not heard that the server was restored
    CLOCK = "clock"
    OUTDATED = "outdated"
    SILENT = "silent"


# Ours, not a standard's. A queue is old when half a shift has passed over it; photos of one job take some 20 MB.
OLD_QUEUE = timedelta(hours=4)
SILENT = timedelta(hours=24)
WRONG_CLOCK_MS = 60_000
LITTLE_STORAGE_BYTES = 200 * 1024 * 1024
HEALS = timedelta(minutes=30)  # a bucket that does not add up is fetched again within ten minutes of contact
REJECTED_LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Proof:
    """How the tablet's last day compared: ops with a result and verified files, there and here (SPEC D3)."""

    day: str
    ops_here: int
    ops_there: int
    files_here: int
    files_there: int

    @property
    def holds(self) -> bool:
        """Both count the same."""
        return (self.ops_here, self.files_here) == (self.ops_there, self.files_there)


@dataclass(frozen=True)
class Told:
    """What a tablet said of itself when it last synced; None where it did not say."""

    app_version: str | None = None
    queued_ops: int | None = None
    queued_files: int | None = None
    queued_bytes: int | None = None
    oldest_queued_at: datetime | None = None
    storage_free_bytes: int | None = None
    proof: Proof | None = None


@dataclass(frozen=True)
class Tablet:
    """A tablet as the server knows it. `high_op_no`: how many ops it has sent. `rejected`: within `REJECTED_LATELY`.

    `incidents`: how often what it holds did not add up, `unhealed` of them still, the last found at `incident_at`.
    """

    id: UUID
    branch_id: UUID
    name: str
    state: DeviceState
    enrolled_at: datetime
    person_id: UUID | None
    person_name: str | None
    person_name_en: str | None
    crew_id: UUID | None
    crew_code: str | None
    crew_name_zh: str | None
    crew_name_en: str | None
    seen_at: datetime | None
    pushed_at: datetime | None
    pulled_at: datetime | None
    reported_at: datetime | None
    clock_error_ms: int | None
    schema_version: int | None
    epoch: str | None
    same_life: bool
    high_op_no: int
    quarantined: int
    held: int
    rejected: int
    conflicts: int
    incidents: int
    unhealed: int
    incident_at: datetime | None
    told: Told


def needs(tablet: Tablet, now: datetime, schema_version: int) -> list[Need]:
    """Why somebody should look at it, the gravest first; nothing: all is well."""
    return sorted(_needs(tablet, now, schema_version), key=list(Need).index)


def _needs(tablet: Tablet, now: datetime, schema_version: int) -> Iterator[Need]:
    yield from _of_ops(tablet)
    yield from _of_queue(tablet, now)
    if tablet.state is DeviceState.ACTIVE:
        yield from _of_tablet(tablet, now, schema_version)


def _of_ops(tablet: Tablet) -> Iterator[Need]:
    counts = {
        Need.QUARANTINED: tablet.quarantined,
        Need.CONFLICTS: tablet.conflicts,
        Need.REJECTED: tablet.rejected,
        Need.PROOF: tablet.told.proof is not None and not tablet.told.proof.holds,
    }
    yield from (need for need, count in counts.items() if count)


def _of_queue(tablet: Tablet, now: datetime) -> Iterator[Need]:
    told = tablet.told
    if tablet.state is not DeviceState.ACTIVE and (told.queued_ops or told.queued_files):
        yield Need.LEFT_BEHIND
    elif told.oldest_queued_at is not None and now - told.oldest_queued_at > OLD_QUEUE:
        yield Need.OLD_QUEUE


def _of_tablet(tablet: Tablet, now: datetime, schema_version: int) -> Iterator[Need]:
    """What only matters while somebody works with it."""
    free = tablet.told.storage_free_bytes
    found = {
        Need.STORAGE: free is not None and free < LITTLE_STORAGE_BYTES,
        Need.DIFFERS: tablet.unhealed > 0 and tablet.incident_at is not None and now - tablet.incident_at > HEALS,
        Need.OTHER_LIFE: not tablet.same_life,
        Need.CLOCK: abs(tablet.clock_error_ms or 0) > WRONG_CLOCK_MS,
        Need.OUTDATED: tablet.schema_version is not None and tablet.schema_version < schema_version,
        Need.SILENT: now - (tablet.seen_at or tablet.enrolled_at) > SILENT,
    }
    yield from (need for need, holds in found.items() if holds)


def rank(found: Iterable[Need]) -> int:
    """A graver need weighs more than all lighter ones together."""
    kinds = list(Need)
    return sum(1 << (len(kinds) - 1 - kinds.index(need)) for need in set(found))


class Sort(StrEnum):
    """The orders of the list."""

    WORST = "worst"
    NAME = "name"
    SEEN = "seen"  # the longest silence first


def sort_key(sort: Sort, tablet: Tablet, weight: int) -> tuple[str, str]:
    """A tablet's place in the list, as texts that compare; they go into the cursor as they are."""
    if sort is Sort.WORST:
        return f"{(1 << len(Need)) - weight:06d} {tablet.name}", str(tablet.id)
    if sort is Sort.SEEN:
        return "" if tablet.seen_at is None else tablet.seen_at.isoformat(), str(tablet.id)
    return tablet.name, str(tablet.id)
