"""When two calls are about one fault, what a call asks for, and where an outage stands. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.customers.models import AreaKind
from app.demands.models import Symptom
from app.jobs.models import JobKind, JobState, Priority
from app.network.models import Commodity
from app.outages.models import OutageState
from app.staff.models import Skill

SAME_FAULT_RADIUS_M = 300.0  # about one public transformer's reach in a town; one riser group's for gas
SAME_FAULT_WITHIN = timedelta(hours=24)  # an outage still open after a day is known; a new call there is news
NEIGHBOUR_M = 200.0  # a call from the street is addressed by the nearest premises this near

NUMBER_PREFIX = "TD"  # 停电
EMERGENCIES = frozenset({Symptom.GAS_SMELL, Symptom.WIRE_DOWN, Symptom.SPARKS})
WITHOUT_SUPPLY = frozenset({Symptom.NO_SUPPLY, Symptom.NO_GAS, Symptom.PARTIAL_SUPPLY})

# Arrival as promised, from the moment the call is taken: standard limits 2.1.1 (power) and 2.5.4 (gas).
ARRIVAL: Mapping[Commodity, Mapping[AreaKind, timedelta]] = {
    Commodity.POWER: {
        AreaKind.CITY: timedelta(minutes=45),
        AreaKind.RURAL: timedelta(minutes=90),
        AreaKind.REMOTE: timedelta(minutes=120),
    },
    Commodity.GAS: {
        AreaKind.CITY: timedelta(minutes=30),
        AreaKind.RURAL: timedelta(minutes=60),
        AreaKind.REMOTE: timedelta(minutes=60),
    },
}


@dataclass(frozen=True)
class Candidate:
    """An open outage near a call. `node_id` is the device suspected, `away_m` its distance from the call."""

    outage_id: UUID
    commodity: Commodity
    opened_at: datetime
    away_m: float
    node_id: UUID | None


@dataclass(frozen=True)
class Work:
    """The job a first call opens."""

    kind: JobKind
    priority: Priority
    skill: Skill


def same_fault(
    candidates: Iterable[Candidate], *, commodity: Commodity, node_id: UUID | None, now: datetime
) -> UUID | None:
    """The outage a call is about: fed from the same device first, then the nearest; None when it is a new one."""
    alike = [
        candidate
        for candidate in candidates
        if candidate.commodity is commodity
        and now - candidate.opened_at <= SAME_FAULT_WITHIN
        and (candidate.away_m <= SAME_FAULT_RADIUS_M or (node_id is not None and candidate.node_id == node_id))
    ]
    alike.sort(key=lambda c: (node_id is None or c.node_id != node_id, c.away_m, c.opened_at, c.outage_id))
    return alike[0].outage_id if alike else None


def work_for(symptom: Symptom, commodity: Commodity) -> Work:
    """The job for a first call with this symptom."""
    if commodity is Commodity.GAS:
        return Work(JobKind.GAS_LEAK, priority_of(symptom), Skill.GAS_PIPE)
    skill = Skill.HIGH_VOLTAGE if symptom is Symptom.WIRE_DOWN else Skill.LOW_VOLTAGE
    return Work(JobKind.OUTAGE_REPAIR, priority_of(symptom), skill)


def priority_of(symptom: Symptom) -> Priority:
    """Danger first, then the dark, then the rest."""
    if symptom in EMERGENCIES:
        return Priority.EMERGENCY
    return Priority.URGENT if symptom in WITHOUT_SUPPLY else Priority.NORMAL


def arrive_by(commodity: Commodity, area: AreaKind | None, now: datetime) -> datetime | None:
    """When a crew is promised on site; None where the kind of area is not known."""
    return None if area is None else now + ARRIVAL[commodity][area]


def state_after(jobs: Sequence[JobState], without_supply: int | None = None) -> OutageState:
    """Where an outage stands by its jobs, and by how many of its customers remain without supply.

    None: nobody was ever noted, so that the jobs alone tell. Where somebody was, supply is back when the last of them
    has it, whatever work is left, and not before, whatever crews say.
    """
    by_jobs = _state_of(jobs)
    if without_supply is None:
        return by_jobs
    if without_supply:
        return OutageState.OPEN
    return OutageState.CLOSED if by_jobs is OutageState.CLOSED else OutageState.RESTORED


def _state_of(jobs: Sequence[JobState]) -> OutageState:
    """Cancelled jobs count for nothing, unless all are."""
    counted = [state for state in jobs if state is not JobState.CANCELLED]
    if all(state is JobState.COMPLETED for state in counted):
        return OutageState.CLOSED if jobs else OutageState.OPEN
    if all(state in {JobState.RESTORED, JobState.COMPLETED} for state in counted):
        return OutageState.RESTORED
    return OutageState.OPEN
