"""What nobody could judge: seen, judged again, repaired, or ended, by a person who answers for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Row

from app.fleet.errors import OpSettled
from app.fleet.queries import ops as queries
from app.fleet.queries.ops import WaitingOp
from app.identity.queries.tablets import get_device
from app.identity.service.trail import audit
from app.kernel.actor import Actor, Permission
from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork
from app.sync.host import Host
from mobile_sync.adapters.sql import SqlArchive
from mobile_sync.canonical import storable
from mobile_sync.protocol import Result, Verb
from mobile_sync.repair import Centre, NotWaiting, Unreadable, Word

if TYPE_CHECKING:
    from app.identity.models import Device

# What the maker of an op may do while the centre vouches for it: the crew's own steps, and those the desk takes for it.
VOUCHED = frozenset({Permission.WORK_JOBS, Permission.READ_ALL_JOBS, Permission.EDIT_JOBS, Permission.DISPATCH})


def list_ops(uow: UnitOfWork, device_id: UUID, *, decided: bool, after: int, limit: int) -> Sequence[Row[Any]]:
    """Ops of a tablet that wait, or those the centre ended; one more than `limit` tells of a next page.

    Raises:
        NotFound: no such tablet in the actor's branches. Forbidden: they repair nothing there.
    """
    device = _device(uow, device_id)
    found = queries.ops(uow.session, device.id, decided=decided, after=after, limit=limit)
    audit(uow, "ops_viewed", "device", device.id, {"ops": len(found[:limit])}, branch_id=device.branch_id)
    return found


def lock_op(uow: UnitOfWork, device_id: UUID, op_no: int) -> tuple[Device, WaitingOp]:
    """An op and its tablet; nobody else decides about anything of the tablet until the end of the transaction.

    Raises:
        NotFound, Forbidden: as `list_ops`; NotFound also where the tablet sent no such op.
    """
    device = _device(uow, device_id)
    return device, queries.lock_op(uow.session, device.id, op_no)


def replay(uow: UnitOfWork, device: Device, op: WaitingOp, *, reason: str | None = None) -> list[Result]:
    """Judge an op again, as it came or as it was repaired last; returns the new results, also of what waited for it.

    Raises:
        OpSettled: it has its final result.
    """
    return _judge_again(uow, device, Word(op.op_no, Verb.REPLAYED, uow.actor.person_id, uow.now, reason))


def repair(uow: UnitOfWork, device: Device, op: WaitingOp, *, fields: Mapping[str, Any], reason: str) -> list[Result]:
    """Judge an op again with other fields; what came stays in the ledger.

    Raises:
        OpSettled: it has its final result. Invalid: with these fields it is no op, by name.
    """
    if storable(fields) != fields:
        raise Invalid(FieldError("fields", "unstorable"))
    return _judge_again(uow, device, Word(op.op_no, Verb.REPAIRED, uow.actor.person_id, uow.now, reason, fields))


def refuse(uow: UnitOfWork, device: Device, op: WaitingOp, *, reason: str) -> list[Result]:
    """End an op: it is not to be applied, and the tablet is told why.

    Raises:
        OpSettled: it has its final result.
    """
    word = Word(op.op_no, Verb.REFUSED, uow.actor.person_id, uow.now, reason)
    try:
        results = _centre(uow, device).refuse(word)
    except NotWaiting as error:
        raise OpSettled(op_no=op.op_no) from error
    _note(uow, device, word, results)
    return results


def _judge_again(uow: UnitOfWork, device: Device, word: Word) -> list[Result]:
    try:
        results = _centre(uow, device).judge_again(word)
    except NotWaiting as error:
        raise OpSettled(op_no=word.op_no) from error
    except Unreadable as error:
        faults = (FieldError(f"fields.{fault.field}", fault.reason) for fault in error.refusal.errors)
        raise Invalid(*faults) from error
    _note(uow, device, word, results)
    return results


def _device(uow: UnitOfWork, device_id: UUID) -> Device:
    device = get_device(uow.session, device_id, branch_ids=uow.actor.branch_ids)
    uow.actor.must(Permission.REPAIR_OPS, device.branch_id)
    return device


def _centre(uow: UnitOfWork, device: Device) -> Centre[UnitOfWork]:
    @contextmanager
    def acting(person_id: UUID | None) -> Iterator[None]:
        """Records are written by whoever made the op, on that tablet; the trail names who vouched for it."""
        before = uow.actor, uow.device_id
        maker = person_id or before[0].person_id
        uow.actor = Actor(maker, grants={device.branch_id: VOUCHED}, home_branch_id=device.branch_id)
        uow.device_id = device.id
        try:
            yield
        finally:
            uow.actor, uow.device_id = before

    return Centre(Host(), uow, SqlArchive(uow.session, device.id), device.id, acting)


def _note(uow: UnitOfWork, device: Device, word: Word, results: Sequence[Result]) -> None:
    """Numbers and codes only: what was recorded stands in the ledger."""
    status = next(result.status for result in results if result.op_no == word.op_no)
    detail = {"op_no": word.op_no, "status": status.value, "released": len(results) - 1}
    audit(uow, f"op_{word.verb.value}", "device", device.id, detail, branch_id=device.branch_id)
