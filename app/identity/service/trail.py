"""The audit trail: who did what to what. Ids and codes only, never a name, a number or a password."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.identity.models import AuditEntry
from app.identity.queries import trail as queries
from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork


def audit(
    uow: UnitOfWork,
    action: str,
    entity: str,
    entity_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
    *,
    branch_id: UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """Write one line in the transaction of the deed.

    `action` is a past-tense code (`login_failed`), `entity` a table's name. The branch is the actor's home unless told;
    `person_id` names who did it when nobody is signed in yet.
    """
    uow.session.add(
        AuditEntry(
            id=uow.new_id(),
            branch_id=branch_id or uow.actor.home_branch_id,
            at=uow.now,
            person_id=person_id or uow.actor.person_id,
            device_id=uow.device_id or uow.actor.device_id,
            action=action,
            entity=entity,
            entity_id=entity_id,
            detail=detail or {},
        )
    )


def read_trail(uow: UnitOfWork, *, action: str | None, cursor: str | None, limit: int) -> Sequence[AuditEntry]:
    """Entries of the branches whose trail the actor may read, newest first; one past `limit` tells of a next page."""
    branch_ids = uow.actor.must_somewhere(Permission.READ_AUDIT)
    return queries.audit_entries(uow.session, branch_ids=branch_ids, action=action, cursor=cursor, limit=limit)
