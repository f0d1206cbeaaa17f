"""Ops of older apps in today's shape: pure steps `v(n) → v(n+1)`, one after the other (SPEC.md W8)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from mobile_sync.stops import quarantined

Upcaster = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Fields of one version in, fields of the next out. Pure; raises `ValueError` for what cannot be said any more.

It works field by field, so that it serves a whole record, an op's changes and a version's patch alike.
"""


def upcast(
    fields: Mapping[str, Any], version: int, understood: Collection[int], upcasters: Mapping[int, Upcaster]
) -> Mapping[str, Any]:
    """The fields in the nearest later version that is understood.

    Raises:
        Stopped: `unknown_schema`: no chain of steps leads to one. `not_upcast`: a step could not say it.
    """
    at = version
    while at not in understood:
        step = upcasters.get(at)
        if step is None:
            raise quarantined("unknown_schema", schema_version=version)
        try:
            fields = step(fields)
        except ValueError as error:
            raise quarantined("not_upcast", schema_version=version) from error
        at += 1
    return fields


def upcast_patch(patch: Mapping[str, Sequence[Any]], step: Upcaster) -> dict[str, list[Any]]:
    """A version's `{field: [old, new]}` in the next shape: for the migration that brings a version in."""
    old = step({name: pair[0] for name, pair in patch.items()})
    new = step({name: pair[1] for name, pair in patch.items()})
    return {name: [old.get(name), new.get(name)] for name in {**old, **new}}
