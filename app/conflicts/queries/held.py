"""Conflicts locked for a decision, and what the actor is to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from app.conflicts.queries.sql import DELETED, HOLDS, RECORDS, REV, STANDING
from app.conflicts.rules import Clash, Standing
from app.kernel.actor import Actor, Permission
from app.kernel.problems import NotFound


@dataclass(frozen=True)
class Held:
    """A conflict locked for a decision: its state, its record's revision and value now, the job, who may decide.

    `author` wrote the tablet's value; `leads` says whether the actor leads the crew that has the job, None that they
    are not in it.
    """

    clash: Clash
    state: str
    rev: int
    gone: bool
    branch_id: UUID
    job_id: UUID
    policy: str
    standing: Any
    author: UUID | None
    assignee: UUID | None
    leads: bool | None
    acknowledged: bool


@dataclass(frozen=True)
class Alarm:
    """A conflict about safety: its field, and the job."""

    id: UUID
    field: str
    job_id: UUID


_LOCKED = text(
    f"""
    SELECT c.id, c.entity, c.rec_id, c.field, c.mine, c.state, {REV} AS rev, {DELETED} IS NOT NULL AS gone,
           j.branch_id, j.id AS job_id, c.policy, {STANDING} AS standing, o.actor AS author,
           c.assignee, c.acknowledged_at IS NOT NULL AS acknowledged,
           (SELECT bool_or(m.lead) FROM assignment a JOIN crew_member m ON m.crew_id = a.crew_id
            WHERE a.job_id = j.id AND {HOLDS} AND m.person_id = :me AND m.until IS NULL) AS leads
    FROM {RECORDS} LEFT JOIN sync_op o ON o.device_id = c.device_id AND o.op_no = c.op_no
    WHERE c.id = ANY(:ids) ORDER BY c.id FOR UPDATE OF c
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


_ALARMS = text(
    f"SELECT c.id, c.field, j.id AS job_id FROM {RECORDS} WHERE c.id = ANY(:ids)"  # noqa: S608 - composed of constants
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


def lock_conflicts(session: Session, actor: Actor, ids: Collection[UUID]) -> list[Held]:
    """These conflicts, held until the end of the transaction, in one order for everybody.

    Raises:
        NotFound: one of them is not there, or not the actor's to see.
    """
    rows = session.execute(_LOCKED, {"ids": sorted(ids), "me": actor.person_id})
    seen = [one for one in (_held(row) for row in rows) if _visible(actor, one)]
    if len(seen) != len(set(ids)):
        raise NotFound
    return seen


def _held(row: Row[Any]) -> Held:
    clash = Clash(row.id, row.entity, row.rec_id, row.field, row.mine)
    where = (row.state, row.rev, row.gone, row.branch_id, row.job_id)
    return Held(clash, *where, row.policy, row.standing, row.author, row.assignee, row.leads, row.acknowledged)


def _visible(actor: Actor, one: Held) -> bool:
    """The desk's all, a crew's what its own work is about, anybody's what was handed to them."""
    works = one.leads is not None and actor.may(Permission.WORK_JOBS, one.branch_id)
    return works or actor.may(Permission.READ_ALL_JOBS, one.branch_id) or _is_named(actor, one)


def _is_named(actor: Actor, one: Held) -> bool:
    return one.assignee is not None and one.assignee == actor.person_id and one.branch_id in actor.grants


def alarms_of(session: Session, ids: Collection[UUID]) -> list[Alarm]:
    """What these conflicts are about."""
    rows = session.execute(_ALARMS, {"ids": sorted(ids)})
    return [Alarm(row.id, row.field, row.job_id) for row in rows]


def standing_of(actor: Actor, one: Held) -> Standing:
    """What the actor is to this conflict."""
    works = one.leads is not None and actor.may(Permission.WORK_JOBS, one.branch_id)
    return Standing(
        dispatches=actor.may(Permission.DISPATCH, one.branch_id),
        named=_is_named(actor, one),
        wrote=works and one.author == actor.person_id,
        leads=(works and one.leads is True) or actor.may(Permission.SETTLE_CONFLICTS, one.branch_id),
    )
