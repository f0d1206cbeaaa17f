"""Who could decide a conflict."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Person, RoleGrant


def can_decide(session: Session, person_id: UUID, branch_id: UUID, roles: Collection[str]) -> bool:
    """Whether this active person holds one of these roles in the branch."""
    query = (
        select(RoleGrant.role)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(Person.id == person_id, Person.active.is_(True), RoleGrant.branch_id == branch_id)
    )
    return any(role in roles for role in session.scalars(query))
