"""What a device believed when it made an op, worked out from the history since (SPEC.md M3); pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mobile_sync.merge import Believed


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """A version after `base_rev`: `own` if an op of the same device made it, `sent` being what that op said.

    `sent` is in the shape of `sent_version`, as it was received; `patch` in today's.
    """

    rev: int
    prev_rev: int
    patch: Mapping[str, Sequence[Any]]
    own: bool
    sent: Mapping[str, Any]
    sent_version: int = 0


Shape = Callable[[int, Mapping[str, Any]], Mapping[str, Any]]
"""`shape(version, fields)`: what was said under a schema version, in today's shape."""


def believed_from(versions: Iterable[VersionSeen], base_rev: int, contested: frozenset[str], shape: Shape) -> Believed:
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
        sent = shape(seen.sent_version, seen.sent) if seen.sent else {}
        base.update(sent)
        passed.update({name: [] for name in sent})
    nothing = reached == base_rev
    return Believed(base, passed, contested, whole=whole and not nothing, others=others or nothing)
