"""Values as tablets know them: JSON, times in UTC with milliseconds, enums by value, points as GeoJSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy import inspect

from app.kernel.db import Revised
from mobile_sync.wire import write_time

Patch = dict[str, tuple[Any, Any]]

NOT_TOLD = frozenset({"id", "rev", "branch_id", "deleted_at"})


def plain(value: Any) -> Any:
    """A column's value as JSON."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Point):
        return {"type": "Point", "coordinates": [value.x, value.y]}
    return value


def patch_of(row: Revised) -> Patch:
    """What the flush under way changed in a row: `{field: (old, new)}`; items of a document by dotted names."""
    patch: Patch = {}
    for attribute in inspect(row).attrs:
        history = attribute.history
        if attribute.key in NOT_TOLD or not history.has_changes():
            continue
        old = plain(history.deleted[0]) if history.deleted else None
        new = plain(history.added[0]) if history.added else None
        patch |= _parts(attribute.key, old, new)
    return patch


def _parts(name: str, old: Any, new: Any) -> Patch:
    if name != "answers":
        return {} if old == new else {name: (old, new)}
    before, after = _mapping(old), _mapping(new)
    items = sorted(before.keys() | after.keys())
    return {
        f"answers.{item}": (before.get(item), after.get(item))
        for item in items
        if before.get(item) != after.get(item) or type(before.get(item)) is not type(after.get(item))
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
