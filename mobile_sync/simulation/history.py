"""Checks of the history at the end, by rules written again without the engine (I13, I14, I17, M4, P3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mobile_sync.collection import Policy, rule_for
from mobile_sync.merge import same
from mobile_sync.simulation import shop
from mobile_sync.simulation.device import Recorded
from mobile_sync.simulation.faults import Violation
from mobile_sync.simulation.person import mark_of
from mobile_sync.simulation.truth import ContestRow, LedgerRow, Truth, VersionRow
from mobile_sync.simulation.world import World

_JUDGED = ("applied", "merged", "noop", "conflict")
_MAY_KEEP = (Policy.SERVER, Policy.MAX, Policy.MIN, Policy.APPEND, Policy.SET_UNION, Policy.STATE_MACHINE)
_STRICT = (Policy.NEVER, Policy.STATE_MACHINE)


@dataclass
class _History:
    """The truth, looked up in the ways the checks need."""

    world: World
    truth: Truth
    by_op: dict[tuple[UUID, int], list[VersionRow]] = field(default_factory=dict)
    contests: dict[str, ContestRow] = field(default_factory=dict)
    made: dict[tuple[UUID, int], Recorded] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for versions in self.truth.versions.values():
            for one in versions:
                if one.device_id is not None:
                    self.by_op.setdefault((one.device_id, one.op_no or 0), []).append(one)
        self.made = {(device.id, mark): made for device in self.world.devices for mark, made in device.recorded.items()}
        self.contests = {str(one.id): one for one in self.truth.contests}

    def today(self, name: str) -> str:
        """A field by its present name."""
        return shop.TITLE[self.world.house.version] if name in shop.TITLE.values() else name

    def shared(self, key: str) -> int:
        """The last revision of the last backup that was put back."""
        return self.world.shared.get(key, 0)

    def value(self, key: str, name: str, rev: int) -> Any:
        """What a field held as of a revision."""
        held = None
        for one in self.truth.versions.get(key, ()):
            if one.rev <= rev and name in one.patch:
                held = one.patch[name][1]
        return held


def check_history(world: World, truth: Truth) -> None:
    """Chains, then ops, then fields."""
    history = _History(world, truth)
    for key, versions in truth.versions.items():
        _check_chain(history, key, versions)
    for (device_id, number), row in truth.ledger.items():
        written = history.by_op.get((device_id, number), [])
        _check_effects(history, device_id, number, row, written)
        if row.status in _JUDGED and row.body["kind"] != "delete" and "problem" not in row.result:
            for name, value in row.body["fields"].items():
                _check_field(history, device_id, row, written, name, value)


def _check_chain(history: _History, key: str, versions: Sequence[VersionRow]) -> None:
    """Revisions without a gap, whose patches make the record; no device changes what is never merged."""
    history.world.tally.checks.update(("T1", "I17"))
    if [one.rev for one in versions] != list(range(1, len(versions) + 1)):
        raise Violation("T1", f"{key}: revisions {[one.rev for one in versions]}")
    record = history.truth.records[key]
    for name, value in record.fields.items():
        if not same(history.value(key, name, record.rev), value):
            raise Violation("T1", f"{key}: {name} is {value!r}, the history says otherwise")
    for one in versions:
        if one.device_id is not None and "seal" in one.patch and one.patch["seal"][0] is not None:
            raise Violation("I17", f"{key}: a device changed what is never merged: {one}")


def _check_effects(
    history: _History, device_id: UUID, number: int, row: LedgerRow, written: Sequence[VersionRow]
) -> None:
    """P3: as many versions as the result says, which is one or none."""
    history.world.tally.checks["P3"] += 1
    outcomes = [_outcome(row, name) for name in row.body.get("fields", ())]
    writes = row.status in _JUDGED and "problem" not in row.result
    wrote = writes and (row.status == "applied" or "applied" in outcomes or "merged" in outcomes)
    if len(written) != int(wrote):
        what = f"op {number} of {device_id} is {row.status} and made {len(written)} versions"
        raise Violation("P3", f"{what}: {row.body} {row.result}")


def _outcome(row: LedgerRow, name: str) -> str:
    """What was said about a field, by whatever name it had when it was said."""
    told: Mapping[str, Any] = row.result.get("fields") or {}
    names = shop.TITLE.values() if name in shop.TITLE.values() else (name,)
    return next((told[one]["outcome"] for one in names if one in told), "applied")


def _check_field(
    history: _History, device_id: UUID, row: LedgerRow, written: Sequence[VersionRow], name: str, value: Any
) -> None:
    """I13: no value is lost; what was written was written rightly."""
    history.world.tally.checks["I13"] += 1
    name, outcome = history.today(name), _outcome(row, name)
    key = f"{row.body['entity']}/{row.body['rec_id']}"
    policy = _policy(history, name)
    new = written[0].patch.get(name, (None, None))[1] if written else None
    kept = {
        "applied": same(new, value),
        "merged": _taken_in(new, value),
        "noop": same(history.value(key, name, row.result["rev"]), value),
        "kept": policy in _MAY_KEEP,
        "conflict": _waits(history, device_id, row, name, value),
    }
    if not kept[outcome]:
        raise Violation("I13", f"{name} = {value!r} of {row.body} is {outcome}, and nowhere to be found")
    if history.world.restored:
        _check_unseen(history, device_id, row, written, key, name, outcome)
    else:
        _check_decision(history, device_id, row, written, key, name, outcome)


def _policy(history: _History, name: str) -> Policy:
    rule = rule_for(shop.RULES[history.world.house.version], name)
    if rule is None:
        raise Violation("M1", f"{name} was written, and no rule lets a device write it")
    return rule.policy


def _taken_in(new: Any, value: Any) -> bool:
    """A merged text or list has what this op added last."""
    if isinstance(value, str):
        return isinstance(new, str) and value.rpartition("\n")[2] in new.split("\n")
    return isinstance(new, list) and value[-1] in new


def _waits(history: _History, device_id: UUID, row: LedgerRow, name: str, value: Any) -> bool:
    """In a conflict, or there until the same device said something else about the same field."""
    told: Mapping[str, Any] = row.result.get("fields") or {}
    ids = {one.get("conflict_id") for one in told.values()}
    contest = next((history.contests[str(one)] for one in ids if one and _names(history, str(one), name)), None)
    if contest is None or contest.device_id != device_id:
        return False
    return same(contest.mine, value) or any(
        owner == device_id and number > row.body["op_no"] and _said(history, other, name, contest.mine)
        for (owner, number), other in history.truth.ledger.items()
    )


def _names(history: _History, conflict_id: str, name: str) -> bool:
    contest = history.contests.get(conflict_id)
    return contest is not None and contest.field == name


def _said(history: _History, row: LedgerRow, name: str, value: Any) -> bool:
    return any(history.today(one) == name and same(said, value) for one, said in row.body["fields"].items())


def _check_unseen(
    history: _History, device_id: UUID, row: LedgerRow, written: Sequence[VersionRow], key: str, name: str, outcome: str
) -> None:
    """M13: in another life too, what somebody else wrote is not overwritten by one who had not seen it."""
    made = history.made.get((device_id, mark_of(row.body)))
    if made is None or outcome != "applied" or _policy(history, name) is not Policy.HUMAN:
        return
    history.world.tally.checks["M13"] += 1
    at = written[0].rev
    last = [one for one in history.truth.versions[key] if one.rev < at and name in one.patch]
    if last and last[-1].device_id != device_id and last[-1].rev > history.shared(key):
        theirs = last[-1].patch[name][1]
        seen = {history.today(one): value for one, value in made.seen.items()}
        believed = [seen.get(name), *_made_since(history, device_id, row, at, key, name)]
        if not any(same(theirs, one) for one in believed):
            raise Violation("M13", f"{name} of {row.body} overwrote {theirs!r} of this life, the person saw {seen}")


def _made_since(history: _History, device_id: UUID, row: LedgerRow, at: int, key: str, name: str) -> list[Any]:
    """M3: what the device itself said last of the field in a version behind its base; seen or not, that is its base."""
    body = row.body
    base_rev = body["base_rev"] if body["kind"] != "create" else 0
    if body.get("epoch") not in (None, history.world.house.life):
        base_rev = min(base_rev, history.shared(key))
    own = [one for one in history.truth.versions[key] if one.device_id == device_id and base_rev < one.rev < at]
    ops = [history.truth.ledger[device_id, one.op_no or 0].body["fields"] for one in own]
    said = [value for fields in ops for one, value in fields.items() if history.today(one) == name]
    return said[-1:]


def _check_decision(
    history: _History,
    device_id: UUID,
    row: LedgerRow,
    written: Sequence[VersionRow],
    key: str,
    name: str,
    outcome: str,
) -> None:
    """M4, I14: what nobody else touched is written; what somebody else changed is not overwritten unseen."""
    policy, base_rev = _policy(history, name), row.body["base_rev"] if row.body["kind"] != "create" else 0
    at = written[0].rev if written else row.result["rev"] + 1
    since = [one for one in history.truth.versions.get(key, ()) if base_rev < one.rev < at and name in one.patch]
    foreign = [one for one in since if one.device_id != device_id]
    history.world.tally.checks["I14"] += not foreign and policy not in _STRICT
    untouched = not foreign and policy not in _STRICT and outcome in ("kept", "conflict", "merged")
    if untouched and not _contested_before(history, device_id, row, key, name):
        raise Violation("I14", f"{name} of {row.body}: nobody else touched it, and it is {outcome}")
    history.world.tally.checks["M4"] += policy is Policy.HUMAN
    if foreign and outcome == "applied" and policy is Policy.HUMAN:
        theirs = history.value(key, name, at - 1)
        believed = [history.value(key, name, base_rev), *_sent_before(history, device_id, row, key, name)]
        if not any(same(theirs, one) for one in believed):
            raise Violation("M4", f"{name} of {row.body} overwrote {theirs!r}, which the device had never seen")


def _earlier(history: _History, device_id: UUID, row: LedgerRow, key: str) -> list[LedgerRow]:
    return [
        other
        for (owner, number), other in history.truth.ledger.items()
        if owner == device_id
        and number < row.body["op_no"]
        and f"{other.body['entity']}/{other.body['rec_id']}" == key
        and other.status in _JUDGED
    ]


def _contested_before(history: _History, device_id: UUID, row: LedgerRow, key: str, name: str) -> bool:
    """M6: a conflict that was open joins what follows. M3: what was sent before, and did not become so, is the base."""
    return any(
        outcome == "conflict" or (outcome in ("kept", "merged") and other.result["rev"] > row.body["base_rev"])
        for other in _earlier(history, device_id, row, key)
        for one in other.body["fields"]
        if history.today(one) == name and (outcome := _outcome(other, one))
    )


def _sent_before(history: _History, device_id: UUID, row: LedgerRow, key: str, name: str) -> list[Any]:
    return [
        value
        for other in _earlier(history, device_id, row, key)
        for one, value in other.body["fields"].items()
        if history.today(one) == name
    ]
