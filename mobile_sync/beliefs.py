"""What a device believed when it made an op, worked out from the history since (SPEC.md M3); pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mobile_sync.merge import Believed


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """A version after `base_rev`: `own` if an op of the same device made it, `sent` being what that op said."""

    rev: int
    prev_rev: int
    patch: Mapping[str, Sequence[Any]]
    own: bool
    sent: Mapping[str, Any]


def believed_from(versions: Iterable[VersionSeen], base_rev: int, contested: frozenset[str]) -> Believed:
    """Base per field: the value at `base_rev`, or what this device itself sent since, which is what its person saw."""
    base: dict[str, Any] = {}
    passed: dict[str, list[Any]] = {}
    reached, whole, others = base_rev, True, False
    for seen in versions:
        whole = whole and seen.prev_rev <= reached
        reached = seen.rev
        others = others or not seen.own
        for name, (old, new) in seen.patch.items():
            base.setdefault(name, old)
            passed.setdefault(name, []).append(new)
        base.update(seen.sent)
        passed.update({name: [] for name in seen.sent})
    nothing = reached == base_rev
    return Believed(base, passed, contested, whole=whole and not nothing, others=others or nothing)
