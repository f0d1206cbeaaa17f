"""Three-way merge, field by field, pure (SPEC.md, M). No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any

from mobile_sync.collection import FieldRule, Policy, rule_for
from mobile_sync.protocol import FieldError, Outcome, Rejected, Status


class _Unknown:
    """The history does not reach back to what the device believed."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a field; `value` is what the server will hold."""

    outcome: Outcome
    value: Any


@dataclass(frozen=True, slots=True)
class Believed:
    """What is known about the device's view of a record.

    `base`: value the device believed, for the fields where that may differ from the server's. `passed`: values a field
    took since. `contested`: fields with an open conflict of this device. `whole`: the history reaches back to
    `base_rev`. `others`: someone else changed the record since.
    """

    base: Mapping[str, Any] = field(default_factory=dict)
    passed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    contested: frozenset[str] = frozenset()
    whole: bool = True
    others: bool = False

    def base_of(self, name: str, theirs: Any) -> Any:
        """The value the device believed; `UNKNOWN` when the history does not reach back."""
        return self.base.get(name, theirs if self.whole else UNKNOWN)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON (M7): true is not 1, 1 is 1.0, the order of members does not matter."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(starmap(same, zip(left, right, strict=True)))
    return bool(left == right)


def merge(
    fields: Mapping[str, Any], theirs: Mapping[str, Any], believed: Believed, rules: Mapping[str, FieldRule]
) -> dict[str, Decision]:
    """A decision for each field of an op.

    Raises:
        Rejected: `unknown_field`: no rule lets a device write it (M1).
    """
    found = {name: rule_for(rules, name) for name in fields}
    unknown = sorted(name for name, rule in found.items() if rule is None)
    if unknown:
        raise Rejected("unknown_field", *(FieldError(name, "unknown_field") for name in unknown))
    return {
        name: decide(
            rule,
            base=believed.base_of(name, theirs.get(name)),
            theirs=theirs.get(name),
            mine=fields[name],
            passed=believed.passed.get(name, ()),
            contested=name in believed.contested,
        )
        for name, rule in found.items()
        if rule is not None
    }


def first_write(fields: Mapping[str, Any], rules: Mapping[str, FieldRule]) -> dict[str, Any] | None:
    """What a record that never was takes over: all that is not null. None where the fields must be looked at singly.

    The same as `merge` against nothing, whatever the policies: nobody can have disagreed.
    """
    if fields.keys() <= rules.keys() and None not in fields.values():
        return dict(fields)
    return None


def decide(
    rule: FieldRule, *, base: Any, theirs: Any, mine: Any, passed: Sequence[Any] = (), contested: bool = False
) -> Decision:
    """One field (M4–M6)."""
    if same(mine, theirs):
        return Decision(Outcome.NOOP, theirs)
    if contested:
        return Decision(Outcome.CONFLICT, theirs)
    if rule.policy in _STRICT:
        return _STRICT[rule.policy](rule, theirs, mine, passed)
    if base is not UNKNOWN and same(base, theirs):
        return Decision(Outcome.APPLIED, mine)
    return _CLASH[rule.policy](base, theirs, mine)


def status_of(decisions: Mapping[str, Decision]) -> Status:
    """The op's status (M8)."""
    outcomes = {decision.outcome for decision in decisions.values()}
    if Outcome.CONFLICT in outcomes:
        return Status.CONFLICT
    if outcomes <= {Outcome.NOOP}:
        return Status.NOOP
    return Status.APPLIED if outcomes <= {Outcome.APPLIED, Outcome.NOOP} else Status.MERGED


def written(decisions: Mapping[str, Decision]) -> dict[str, Any]:
    """The fields to write."""
    return {name: decision.value for name, decision in decisions.items() if decision.outcome in _WRITES}


_WRITES = (Outcome.APPLIED, Outcome.MERGED)


def _first_write_only(_rule: FieldRule, theirs: Any, mine: Any, _passed: Sequence[Any]) -> Decision:
    return Decision(Outcome.APPLIED, mine) if theirs is None else Decision(Outcome.CONFLICT, theirs)


def _legal_step(rule: FieldRule, theirs: Any, mine: Any, passed: Sequence[Any]) -> Decision:
    if any(same(mine, value) for value in passed):
        return Decision(Outcome.KEPT, theirs)
    if theirs is None or mine in rule.steps.get(str(theirs), ()):
        return Decision(Outcome.APPLIED, mine)
    return Decision(Outcome.CONFLICT, theirs)


def _larger(_base: Any, theirs: Any, mine: Any) -> Decision:
    return _extreme(theirs, mine, lambda left, right: left > right)


def _smaller(_base: Any, theirs: Any, mine: Any) -> Decision:
    return _extreme(theirs, mine, lambda left, right: left < right)


def _extreme(theirs: Any, mine: Any, beats: Callable[[Any, Any], bool]) -> Decision:
    if theirs is None:
        return Decision(Outcome.APPLIED, mine)
    if mine is None:
        return Decision(Outcome.KEPT, theirs)
    if not (_numbers(theirs, mine) or (isinstance(theirs, str) and isinstance(mine, str))):
        return Decision(Outcome.CONFLICT, theirs)
    return Decision(Outcome.APPLIED, mine) if beats(mine, theirs) else Decision(Outcome.KEPT, theirs)


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _append(base: Any, theirs: Any, mine: Any) -> Decision:
    if isinstance(mine, str) and isinstance(theirs, str | None):
        return _append_text(base, theirs or "", mine)
    if isinstance(mine, list) and isinstance(theirs, list | None):
        known = base if isinstance(base, list) else []
        return _extended(theirs or [], [item for item in mine if not _holds(known, item)])
    return Decision(Outcome.CONFLICT, theirs)


def _append_text(base: Any, theirs: str, mine: str) -> Decision:
    known = base if isinstance(base, str) and _continues(base, mine) else ""
    added = mine[len(known) :].lstrip("\n")
    if not added:
        return Decision(Outcome.KEPT, theirs)
    gap = "" if not theirs or theirs.endswith("\n") else "\n"
    return Decision(Outcome.MERGED, theirs + gap + added)


def _continues(base: str, mine: str) -> bool:
    """A line of its own behind the base: `l38` is another word than `l3`, not an `8` that was added."""
    return mine.startswith(base) and (base.endswith("\n") or mine[len(base) :][:1] in ("", "\n"))


def _set_union(_base: Any, theirs: Any, mine: Any) -> Decision:
    if not (isinstance(mine, list) and isinstance(theirs, list | None)):
        return Decision(Outcome.CONFLICT, theirs)
    added: list[Any] = []
    for item in mine:
        if not _holds(theirs or [], item) and not _holds(added, item):
            added.append(item)
    return _extended(theirs or [], added)


def _extended(theirs: list[Any], added: list[Any]) -> Decision:
    return Decision(Outcome.MERGED, theirs + added) if added else Decision(Outcome.KEPT, theirs)


def _holds(items: Sequence[Any], wanted: Any) -> bool:
    return any(same(item, wanted) for item in items)


# Two policies look before "nobody else touched it" is asked: what they guard must not change by luck.
_STRICT: Mapping[Policy, Callable[[FieldRule, Any, Any, Sequence[Any]], Decision]] = {
    Policy.NEVER: _first_write_only,
    Policy.STATE_MACHINE: _legal_step,
}
_CLASH: Mapping[Policy, Callable[[Any, Any, Any], Decision]] = {
    Policy.SERVER: lambda _base, theirs, _mine: Decision(Outcome.KEPT, theirs),
    Policy.DEVICE: lambda _base, _theirs, mine: Decision(Outcome.APPLIED, mine),
    Policy.MAX: _larger,
    Policy.MIN: _smaller,
    Policy.APPEND: _append,
    Policy.SET_UNION: _set_union,
    Policy.HUMAN: lambda _base, theirs, _mine: Decision(Outcome.CONFLICT, theirs),
}
