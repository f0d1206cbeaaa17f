"""Reads of crews: membership, duty, the row lock that dispatch takes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from app.crews.models import Crew, CrewMember, CrewPosition, CrewRegion, Shift
from app.customers.models import Place, PlaceKind
from app.identity.models import Branch
from app.kernel.problems import NotFound


def crew_ids_of(session: Session, person_id: UUID) -> list[UUID]:
    """The crews somebody is in now (at most one, by constraint)."""
    query = select(CrewMember.crew_id).where(CrewMember.person_id == person_id, CrewMember.until.is_(None))
    return list(session.scalars(query))


def region_ids_of(session: Session, person_id: UUID) -> list[UUID]:
    """The sub-districts that somebody's crew serves now."""
    query = select(CrewRegion.place_id).join(CrewMember, CrewMember.crew_id == CrewRegion.crew_id)
    return list(session.scalars(query.where(CrewMember.person_id == person_id, CrewMember.until.is_(None))))


def regions_of_crew(session: Session, crew_id: UUID) -> list[CrewRegion]:
    """What a crew serves."""
    return list(session.scalars(select(CrewRegion).where(CrewRegion.crew_id == crew_id).order_by(CrewRegion.place_id)))


def sub_districts(session: Session, branch_id: UUID) -> list[Place]:
    """The branch's sub-districts, by name."""
    query = select(Place).where(Place.branch_id == branch_id, Place.kind == PlaceKind.SUB_DISTRICT)
    return list(session.scalars(query.order_by(Place.name_en, Place.id)))


def get_crew(session: Session, crew_id: UUID) -> Crew:
    """A crew.

    Raises:
        NotFound: there is none of this id.
    """
    crew = session.get(Crew, crew_id)
    if crew is None or crew.deleted_at is not None:
        raise NotFound
    return crew


def lock_crew(session: Session, crew_id: UUID) -> Crew:
    """A crew, held until the end of the transaction: two dispatchers who want it queue here.

    Raises:
        NotFound: there is none of this id.
    """
    query = select(Crew).where(Crew.id == crew_id, Crew.deleted_at.is_(None)).with_for_update()
    crew = session.scalar(query, execution_options={"populate_existing": True})
    if crew is None:
        raise NotFound
    return crew


def on_duty(now: datetime) -> ColumnElement[bool]:
    """A condition on Crew: one of its shifts covers this moment."""
    return exists().where(Shift.crew_id == Crew.id, Shift.starts_at <= now, Shift.ends_at > now)


def crews_on_duty(session: Session, branch_id: UUID, now: datetime) -> list[Crew]:
    """Crews of the branch with a shift that covers this moment, by code."""
    query = select(Crew).where(Crew.branch_id == branch_id, Crew.deleted_at.is_(None), on_duty(now))
    return list(session.scalars(query.order_by(Crew.code)))


def crew_area(session: Session, crew_id: UUID) -> tuple[Crew, BaseGeometry | None]:
    """A crew and the area of its branch.

    Raises:
        NotFound: there is no such crew.
    """
    query = select(Crew, Branch.boundary).join(Branch, Branch.id == Crew.branch_id)
    row = session.execute(query.where(Crew.id == crew_id, Crew.deleted_at.is_(None))).first()
    if row is None:
        raise NotFound
    return row[0], row[1]


def last_position(session: Session, crew_id: UUID) -> CrewPosition | None:
    """Where the crew was last heard from."""
    return session.get(CrewPosition, crew_id, populate_existing=True)


def is_member(session: Session, *, crew_id: UUID, person_id: UUID) -> bool:
    """Whether somebody is in the crew now."""
    return crew_id in crew_ids_of(session, person_id)


def find_crews(session: Session, branch_ids: list[UUID], q: str, *, limit: int) -> list[tuple[Crew, Point | None]]:
    """Crews by code or a part of their name, with where they are."""
    named = or_(
        Crew.code == q.upper(), Crew.name_zh.contains(q, autoescape=True), Crew.name_en.icontains(q, autoescape=True)
    )
    query = select(Crew, CrewPosition.location).outerjoin(CrewPosition, CrewPosition.crew_id == Crew.id)
    found = query.where(Crew.branch_id.in_(branch_ids), Crew.deleted_at.is_(None), named)
    return [(row[0], row[1]) for row in session.execute(found.order_by(Crew.code).limit(limit))]
