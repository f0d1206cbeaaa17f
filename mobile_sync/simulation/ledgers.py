"""Checks of the ledger at the end: each op once, with one result, for a reason (A1, A2, I12, I16, I22)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mobile_sync.simulation.device import Recorded, SimDevice
from mobile_sync.simulation.faults import Violation
from mobile_sync.simulation.person import mark_of
from mobile_sync.simulation.truth import LedgerRow, Truth
from mobile_sync.simulation.world import World

_NUMBERING = ("op_no", "group_no", "group_size", "depends_on")
_WAITS = ("held", "quarantined")


def check_ledger(world: World, truth: Truth) -> None:
    """Device by device."""
    marks = Counter(mark_of(row.body) for row in truth.ledger.values())
    doubled = [mark for mark, times in marks.items() if times > 1]
    world.tally.checks["I12"] += 1
    if doubled:
        raise Violation("I12", f"ops {doubled} were taken twice")
    for device in world.devices:
        rows = rows_of(truth, device.id)
        if sorted(rows) != list(range(1, len(rows) + 1)):
            raise Violation("P2", f"numbers of {device.id}: {sorted(rows)}")
        _check_device(world, device, rows)
    first, second = ({row.body["rec_id"] for row in rows_of(truth, device.id).values()} for device in world.devices[:2])
    world.tally.faults["two tablets at one record"] += len(first & second)
    world.tally.results.update(row.status for row in truth.ledger.values())


def _check_device(world: World, device: SimDevice, rows: Mapping[int, LedgerRow]) -> None:
    entries = {mark_of(entry.op): entry for entry in device.tablet.outbox.entries}
    for mark, made in device.recorded.items():
        if mark in device.lost_marks:
            continue
        entry = entries[mark]
        row = rows.get(entry.op_no)
        world.tally.checks["A1"] += 1
        if row is None or mark_of(row.body) != mark:
            raise Violation("A1", f"op {mark} of {device.id} is not in the ledger under {entry.op_no}")
        if _content(row.body) != _content(made.op):
            raise Violation("A1", f"op {mark} is not what was recorded: {row.body} / {made.op}")
        world.tally.checks["A2"] += 1
        known = _by_receipt(row.result) if mark in device.by_receipt else row.result
        if entry.result not in (row.result, known):
            raise Violation("A2", f"op {mark}: the tablet was told {entry.result}, the ledger says {row.result}")
        _check_reason(world, device, made, row, rows)


def _by_receipt(result: Mapping[str, Any]) -> dict[str, Any]:
    """V8: what a courier may read of it."""
    return {name: result[name] for name in ("op_no", "status", "rev")}


def _content(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _NUMBERING}


def _check_reason(
    world: World, device: SimDevice, made: Recorded, row: LedgerRow, rows: Mapping[int, LedgerRow]
) -> None:
    """I16, P8: what is not judged has a reason of its own, or another op that it truly has to wait for."""
    world.tally.checks["I16"] += 1
    problem = row.result.get("problem") or {}
    code, cause = problem.get("code"), (problem.get("params") or {}).get("op_no")
    if row.status == "held" or code in ("group_rejected", "dependency_rejected"):
        _check_cause(made, row, rows, code, cause)
    elif row.status == "quarantined":
        _check_quarantine(world, device, made, row, code)
    elif row.status == "rejected" and made.word not in _REJECTED and code != "unknown_record":
        raise Violation("I16", f"a sound op was rejected: {row.body} {row.result}")


_REJECTED = ("forbidden", "unsayable", "unknown field", "unknown record")


def _check_cause(
    made: Recorded, row: LedgerRow, rows: Mapping[int, LedgerRow], code: str | None, cause: int | None
) -> None:
    other = rows.get(cause or 0)
    if other is None:
        raise Violation("I16", f"{row.body} waits for nothing: {row.result}")
    related = {
        "record_waits": made.key == f"{other.body['entity']}/{other.body['rec_id']}" and other.status in _WAITS,
        "dependency_waits": cause in row.body.get("depends_on", ()) and other.status in _WAITS,
        "dependency_rejected": cause in row.body.get("depends_on", ()) and other.status == "rejected",
        "group_waits": _one_group(row, other) and other.status in _WAITS,
        "group_rejected": _one_group(row, other) and other.status == "rejected",
    }
    if not related.get(str(code), False):
        raise Violation("I16", f"{row.body} waits for {other.body}, which is {other.status}: {code}")


def _one_group(left: LedgerRow, right: LedgerRow) -> bool:
    return left.body.get("group_no") is not None and left.body.get("group_no") == right.body.get("group_no")


def _check_quarantine(world: World, device: SimDevice, made: Recorded, row: LedgerRow, code: str | None) -> None:
    reasons = {
        "failed": made.word == "breaks",
        "malformed": made.word == "malformed",
        "unknown_entity": made.word == "unknown entity",
        "unknown_schema": False,
        "not_upcast": made.word == "unsayable",
        "device_revoked": device.revoked,
        "out_of_scope": not (made.sure and made.doubts == world.doubts(device)),
    }
    if not reasons.get(str(code), False):
        rule = {"out_of_scope": "S5", "unknown_schema": "I22"}.get(str(code), "I16")
        raise Violation(rule, f"{row.body} was quarantined: {row.result}")


def rows_of(truth: Truth, device_id: UUID) -> dict[int, LedgerRow]:
    """A device's ledger."""
    return {number: row for (owner, number), row in truth.ledger.items() if owner == device_id}
