"""What each source-layer's select is written with. It gives `fid`, the properties, and `shape` (geometry, WGS 84)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import BigInteger, ColumnElement, Label, Select, Text, cast, func, literal
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.types import NullType

from app.kernel.geo import WGS84
from app.map.tiles import WHOLE_BRANCH_BELOW, Tile


@dataclass(frozen=True)
class Scope:
    """Whose data, of which moment, and in which tile (None: everywhere)."""

    branches: tuple[UUID, ...]
    now: datetime
    tile: Tile | None = None

    @property
    def zoom(self) -> int:
        """The tile's zoom; everywhere is looked at from close by."""
        return self.tile.z if self.tile else 18


def number_of(column: Any) -> Label[int]:
    """A feature id below 2^48 out of a record's id: its last twelve hexadecimal digits."""
    digits = literal("x") + func.right(cast(column, Text), 12)
    return cast(cast(digits, BIT(48)), BigInteger).label("fid")


def instant(column: Any) -> ColumnElement[str]:
    """A time as text, UTC, whole seconds."""
    return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')


def flat(column: Any) -> ColumnElement[Any]:
    """A geography column as geometry."""
    return func.geometry(column, type_=NullType())


def inside(column: Any, scope: Scope) -> ColumnElement[bool]:
    """The index's answer to what touches the tile; true where the whole branch is meant."""
    if scope.tile is None or scope.tile.z < WHOLE_BRANCH_BELOW:
        return literal(True)
    box = cast(func.ST_MakeEnvelope(*scope.tile.ground(), WGS84), Geography(srid=WGS84, spatial_index=False))
    touches: ColumnElement[bool] = column.op("&&", is_comparison=True)(box)
    return touches


def from_zoom(zooms: dict[Any, int], zoom: int) -> Sequence[Any]:
    """The kinds that are drawn at this zoom."""
    return [kind for kind, first in zooms.items() if zoom >= first]


Rows: TypeAlias = Select[*tuple[Any, ...]]
Source = Callable[[Scope], "Rows | None"]
