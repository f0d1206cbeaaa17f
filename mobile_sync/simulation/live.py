"""Checks on a tablet while everything is going on (I1, I2, I8, I10, I11, I24, L7, L9)."""

from __future__ import annotations

from datetime import datetime, timedelta

from mobile_sync.outbox import Stage
from mobile_sync.settling import OPS_KEPT
from mobile_sync.simulation.device import SimDevice
from mobile_sync.simulation.faults import Tally, Violation
from mobile_sync.simulation.house import House
from mobile_sync.simulation.person import mark_of
from mobile_sync.simulation.shop import ENTITY


def check_pulled(house: House, device: SimDevice, tally: Tally) -> None:
    """A pull has been applied, and nothing has happened since its last page."""
    replica = device.tablet.replica
    wrong = _differs(house, device)
    _check_revisions(device, tally)
    if device.corrupted:
        tally.checks["I24"] += 1
        if wrong and not replica.mismatched:
            raise Violation("I24", f"a corrupted row was not found: {wrong}")
        if replica.mismatched - lasting(device):
            raise Violation("L16", f"{sorted(replica.mismatched)} do not add up, and no incident says so")
        device.corrupted = bool(replica.mismatched)
        return
    tally.checks["I1"] += 1
    if wrong:
        raise Violation("I1", wrong)
    tally.checks["L7"] += 1
    if replica.mismatched:
        raise Violation("L7", f"{sorted(replica.mismatched)} did not add up, and nothing was wrong")
    _check_members(device, tally)


def lasting(device: SimDevice) -> set[str]:
    """The buckets of incidents that have not healed."""
    return {one["bucket"] for one in device.tablet.kept.incidents if one["healed_at"] is None}


def _differs(house: House, device: SimDevice) -> str:
    """In what the replica is not what the server holds for this device; empty if in nothing.

    A record that an open transaction is writing is left alone, for nobody waits: it comes when that has ended (L3).
    """
    replica = device.tablet.replica
    apart = replica.shadows | {f"{ENTITY}/{rec_id}" for rec_id in house.busy()}
    held = {key: (one["rev"], one["doc"]) for key, one in replica.docs.items() if key not in apart}
    truth = {key: (row.rev, dict(row.fields)) for key, row in house.held_by(device.id).items() if key not in apart}
    if held == truth:
        return ""
    missing, extra = sorted(truth.keys() - held.keys()), sorted(held.keys() - truth.keys())
    other = {key: (held[key], truth[key]) for key in held.keys() & truth.keys() if held[key] != truth[key]}
    return f"missing {missing}, too many {extra}, other {other}"


def _check_revisions(device: SimDevice, tally: Tally) -> None:
    """I2, L9: within one life nothing goes back."""
    tally.checks["I2"] += 1
    replica = device.tablet.replica
    before = device.revs if device.revs_of == replica.epoch else {}
    now = {key: one["rev"] for key, one in replica.docs.items() if key not in replica.shadows}
    for key, rev in now.items():
        if rev < before.get(key, 0):
            raise Violation("I2", f"{key} went back from {before[key]} to {rev}")
    device.revs, device.revs_of = {**before, **now}, replica.epoch


def _check_members(device: SimDevice, tally: Tally) -> None:
    """I8, I11: what is held is the union of the buckets and the shadows, and nothing else."""
    tally.checks["I8"] += 1
    replica = device.tablet.replica
    members = {key for held in replica.members.values() for key in held}
    if replica.docs.keys() != members | replica.shadows:
        raise Violation("I8", f"holds {sorted(replica.docs)}, members {sorted(members)}, shadows {replica.shadows}")
    tally.checks["S5"] += 1
    if not replica.shadows <= device.pending():
        raise Violation("S5", f"shadows without ops: {sorted(replica.shadows - device.pending())}")
    tally.checks["I11"] += 1
    if replica.members.keys() - replica.cursors.keys():
        raise Violation("I11", f"buckets without a cursor: {replica.members.keys() - replica.cursors.keys()}")


def check_outbox(device: SimDevice, now: datetime, tally: Tally) -> None:
    """I10, A7: whatever happened, no recorded op is gone unless its final result is older than thirty days."""
    tally.checks["I10"] += 1
    kept = {mark_of(entry.op): entry for entry in device.tablet.outbox.entries}
    numbers = [entry.op_no for entry in device.tablet.outbox.entries]
    if numbers != sorted(set(numbers)):
        raise Violation("P1", f"numbers of the outbox: {numbers}")
    for mark in device.recorded.keys() - kept.keys() - device.lost_marks:
        since = device.final_since.get(mark)
        if since is None or now - since < OPS_KEPT:
            raise Violation("I10", f"op {mark} is gone from the outbox, final since {since}")
        device.lost_marks.add(mark)
    for mark, entry in kept.items():
        if entry.stage is not Stage.FINAL:
            device.final_since.pop(mark, None)
        else:
            device.final_since.setdefault(mark, now)


def final_marks(device: SimDevice) -> set[int]:
    """The ops that are done, as the tablet knows."""
    return {mark_of(entry.op) for entry in device.tablet.outbox.entries if entry.stage is Stage.FINAL}


def check_files(device: SimDevice, now: datetime, tally: Tally) -> None:
    """B9: an original is there until a week after its receipt."""
    tally.checks["B9"] += 1
    for sha256, file in device.tablet.kept.files.items():
        if len(device.disk.content(sha256)) != file.size:
            raise Violation("B9", f"the original of {sha256} is not whole")
        device.originals.setdefault(sha256, now)
    for sha256 in device.originals.keys() - device.tablet.kept.files.keys():
        if now - device.originals.pop(sha256) < timedelta(days=7):
            raise Violation("B9", f"the original of {sha256} is gone too early")
