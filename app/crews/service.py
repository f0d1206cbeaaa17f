"""Verbs of crews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy.dialects.postgresql import insert

from app.crews import queries, rules
from app.crews.errors import NotYourCrew, RegionsChanged
from app.crews.models import Crew, CrewPosition, CrewRegion, PositionFix
from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork


def record_fix(
    uow: UnitOfWork,
    *,
    crew_id: UUID,
    location: Point,
    at: datetime,
    accuracy_m: float | None = None,
    fix_id: UUID | None = None,
) -> bool:
    """Keep a reading of the crew's position; returns whether it is the newest one.

    The same `fix_id` twice is kept once. An older reading goes to the history and never replaces a newer position.

    Raises:
        NotFound: no such crew, or of a branch where the actor has no grant.
        NotYourCrew: the actor is not a member of the crew.
        Invalid: a place far outside the branch, or a time in the future.
    """
    crew, area = queries.crew_area(uow.session, crew_id)
    _must_be_of(uow, crew)
    rules.check_fix(area=area, location=location, at=at, now=uow.now)
    fix = {"location": location, "accuracy_m": accuracy_m, "at": at}
    uow.session.execute(
        insert(PositionFix)
        .values(
            id=fix_id or uow.new_id(),
            branch_id=crew.branch_id,
            crew_id=crew.id,
            person_id=uow.actor.person_id,
            device_id=uow.device_id,
            received_at=uow.now,
            **fix,
        )
        .on_conflict_do_nothing(index_elements=[PositionFix.id])
    )
    last = insert(CrewPosition).values(crew_id=crew.id, branch_id=crew.branch_id, **fix)
    moved = uow.session.execute(
        last.on_conflict_do_update(
            index_elements=[CrewPosition.crew_id],
            set_={name: last.excluded[name] for name in fix},
            where=CrewPosition.at < last.excluded.at,
        ).returning(CrewPosition.crew_id)
    ).first()
    if moved is not None:
        uow.wake_live(crew.branch_id, "crew", crew.id)
    return moved is not None


@dataclass(frozen=True)
class Region:
    """A sub-district of the crew's branch, and whether the crew serves it."""

    id: UUID
    name_zh: str
    name_en: str
    served: bool


def regions(uow: UnitOfWork, *, crew_id: UUID) -> list[Region]:
    """The branch's sub-districts, and which of them a crew serves.

    Raises:
        NotFound: no such crew, or of a branch where the actor has no grant.
        Forbidden: the actor may not see all of the branch's work.
    """
    crew = queries.get_crew(uow.session, crew_id)
    uow.actor.must(Permission.READ_ALL_JOBS, crew.branch_id)
    served = {one.place_id for one in queries.regions_of_crew(uow.session, crew.id)}
    found = queries.sub_districts(uow.session, crew.branch_id)
    return [Region(place.id, place.name_zh, place.name_en, place.id in served) for place in found]


def serve(uow: UnitOfWork, *, crew_id: UUID, place_ids: list[UUID], before: list[UUID] | None = None) -> list[Region]:
    """Let a crew serve these sub-districts and no others; its tablets follow with their next pull.

    Raises:
        NotFound: no such crew, or of a branch where the actor has no grant.
        Forbidden: the actor does not run the crews there.
        Invalid: a place that is no sub-district of the crew's branch.
        RegionsChanged: the crew serves others than those `before`.
    """
    crew = queries.lock_crew(uow.session, crew_id)
    uow.actor.must(Permission.MANAGE_CREWS, crew.branch_id)
    wanted = set(place_ids)
    if not wanted <= {place.id for place in queries.sub_districts(uow.session, crew.branch_id)}:
        raise Invalid(FieldError("place_ids", "not_found"))
    served = {one.place_id: one for one in queries.regions_of_crew(uow.session, crew.id)}
    if before is not None and served.keys() != set(before):
        raise RegionsChanged
    for place_id in served.keys() - wanted:
        uow.session.delete(served[place_id])
    for place_id in sorted(wanted - served.keys()):
        uow.session.add(CrewRegion(id=uow.new_id(), branch_id=crew.branch_id, crew_id=crew.id, place_id=place_id))
    uow.session.flush()
    if wanted != served.keys():
        told = {"place_ids": sorted(map(str, wanted)), "before": sorted(map(str, served))}
        audit(uow, "crew_regions_set", "crew", crew.id, told, branch_id=crew.branch_id)
    return regions(uow, crew_id=crew.id)


def _must_be_of(uow: UnitOfWork, crew: Crew) -> None:
    uow.actor.must(Permission.WORK_JOBS, crew.branch_id)
    person_id = uow.actor.person_id
    if person_id is not None and not queries.is_member(uow.session, crew_id=crew.id, person_id=person_id):
        raise NotYourCrew
