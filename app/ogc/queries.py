"""Features, made whole by PostGIS: one page of a collection, one feature, how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import ColumnElement, DateTime, Select, Text, and_, func, or_, select
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Session
from sqlalchemy.types import JSON, NullType

from app.kernel.geo import WGS84
from app.map.sources import instant
from app.ogc.collections import Collection
from app.ogc.rules import Box, Crs, Span

WIDEST_INDEXED_DEG = 90  # a box so wide that its edges, as great circles, would leave it is asked without the index


@dataclass(frozen=True)
class Asked:
    """What of a collection is wanted. `exact` are property values; `boxes` in degrees, any of them."""

    branches: tuple[UUID, ...]
    now: datetime
    boxes: tuple[Box, ...] = ()
    span: Span | None = None
    exact: Mapping[str, str] | None = None


def matched(session: Session, collection: Collection, asked: Asked) -> int:
    """How many features there are."""
    query = _chosen(select(func.count()), collection, asked)
    return int(session.scalar(query, _bound(asked)) or 0)


def page(
    session: Session, collection: Collection, asked: Asked, *, after: UUID | None, limit: int, crs: Crs
) -> Sequence[tuple[UUID, str]]:
    """Features as GeoJSON text with their ids, by id; `limit` + 1 rows tell whether there are more."""
    number = collection.model.id
    query = _chosen(select(number, _feature(collection, crs)), collection, asked)
    if after is not None:
        query = query.where(number > after)
    rows = session.execute(query.order_by(number).limit(limit + 1), _bound(asked))
    return [(feature_id, feature) for feature_id, feature in rows]


def one(session: Session, collection: Collection, asked: Asked, feature_id: UUID, crs: Crs) -> str | None:
    """One feature as GeoJSON text."""
    query = _chosen(select(_feature(collection, crs)), collection, asked)
    return cast("str | None", session.scalar(query.where(collection.model.id == feature_id), _bound(asked)))


def _bound(asked: Asked) -> dict[str, Any]:
    return {"now": asked.now}


def _chosen(query: Select[Any], collection: Collection, asked: Asked) -> Select[Any]:
    """The rows wanted, of the caller's branches."""
    query = query.select_from(collection.model)
    for table, on in collection.joined:
        query = query.outerjoin(table, on)
    query = query.where(collection.model.branch_id.in_(asked.branches), *collection.only)
    if asked.boxes:
        query = query.where(or_(*(_touches(collection, box) for box in asked.boxes)))
    if asked.span is not None and collection.begins is not None:
        query = query.where(_was(collection, asked.span))
    return query.where(
        *(as_type(collection.properties[name], Text) == value for name, value in (asked.exact or {}).items())
    )


def _touches(collection: Collection, box: Box) -> ColumnElement[bool]:
    """The index's answer first, then the exact one in plain degrees, as the standard means a box."""
    envelope = func.ST_MakeEnvelope(*box, WGS84, type_=NullType())
    exact: ColumnElement[bool] = func.ST_Intersects(collection.geometry, envelope)
    west, south, east, north = box
    if max(east - west, north - south) > WIDEST_INDEXED_DEG:
        return exact
    around = as_type(envelope, Geography(srid=WGS84, spatial_index=False))
    return and_(collection.shape.op("&&", is_comparison=True)(around), exact)


def _was(collection: Collection, span: Span) -> ColumnElement[bool]:
    """Whether the feature's time touches the span; one that has not ended lasts."""
    parts = []
    if span.last is not None:
        parts.append(collection.begins <= span.last)
    if span.first is not None:
        parts.append(or_(collection.ends.is_(None), collection.ends >= span.first))
    return and_(*parts) if parts else collection.begins.is_not(None)


def _feature(collection: Collection, crs: Crs) -> ColumnElement[str]:
    properties = [part for name, column in collection.properties.items() for part in (name, _value(column))]
    made = func.json_build_object(
        "type",
        "Feature",
        "id",
        as_type(collection.model.id, Text),
        "geometry",
        func.ST_AsGeoJSON(_in_crs(collection.geometry, crs), crs.digits, 0, type_=NullType()).cast(JSON),
        "properties",
        func.json_build_object(*properties),
    )
    return as_type(made, Text)


def _value(column: Any) -> Any:
    return instant(column) if isinstance(getattr(column.type, "impl", None), DateTime) else column


def _in_crs(shape: ColumnElement[Any], crs: Crs) -> ColumnElement[Any]:
    """The shape in another system, its axes in the order which that system says."""
    moved = shape if crs.srid == WGS84 else func.ST_Transform(shape, crs.srid, type_=NullType())
    return func.ST_FlipCoordinates(moved, type_=NullType()) if crs.latitude_first else moved
