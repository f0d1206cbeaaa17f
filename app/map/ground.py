"""Layers that stand still: places, streets, networks, premises."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, cast, func, literal, select, union_all
from sqlalchemy.types import NullType

from app.customers.models import Place, PlaceKind, Premises
from app.map.sources import Rows, Scope, Source, flat, from_zoom, inside, number_of
from app.network.models import Commodity, LinkKind, NetworkLink, NetworkNode, NodeKind
from app.streets.models import StreetClass, StreetEdge

PLACE_ZOOMS = {
    PlaceKind.WATER: 0,
    PlaceKind.HILLS: 0,
    PlaceKind.SUB_DISTRICT: 0,
    PlaceKind.VILLAGE: 10,
    PlaceKind.INDUSTRIAL_PARK: 10,
    PlaceKind.COMMUNITY: 12,
    PlaceKind.ESTATE: 12,
}
STREET_ZOOMS = {
    StreetClass.TRUNK: 0,
    StreetClass.PRIMARY: 8,
    StreetClass.SECONDARY: 11,
    StreetClass.RESIDENTIAL: 13,
    StreetClass.LANE: 14,
}
LINE_ZOOMS = {
    LinkKind.OVERHEAD_LINE: 8,
    LinkKind.CABLE: 8,
    LinkKind.MAIN: 8,
    LinkKind.BRANCH_PIPE: 12,
    LinkKind.LV_LINE: 14,
    LinkKind.SERVICE_PIPE: 14,
    LinkKind.BREAKER: 14,
    LinkKind.SWITCH: 14,
    LinkKind.TIE_SWITCH: 14,
    LinkKind.VALVE: 14,
}
SWITCHGEAR_ZOOMS = {LinkKind.BREAKER: 11, LinkKind.SWITCH: 11, LinkKind.TIE_SWITCH: 11, LinkKind.VALVE: 12}
NODE_ZOOMS = {
    NodeKind.SUBSTATION: 8,
    NodeKind.GATE_STATION: 8,
    NodeKind.REGULATOR: 11,
    NodeKind.TRANSFORMER: 12,
    NodeKind.SERVICE_POINT: 15,
    NodeKind.RISER: 15,
}
LABELS_FROM = 8
NETWORK_FROM = 8
PREMISES_FROM = 15
ADDRESSES_FROM = 16


def places(scope: Scope) -> Rows | None:
    """Areas, the large ones first."""
    return _places(scope, flat(Place.boundary))


def place_labels(scope: Scope) -> Rows | None:
    """One point inside each area."""
    return _places(scope, func.ST_PointOnSurface(flat(Place.boundary), type_=NullType())).where(
        literal(scope.zoom >= LABELS_FROM)
    )


def _places(scope: Scope, shape: ColumnElement[Any]) -> Rows:
    kinds = from_zoom(PLACE_ZOOMS, scope.zoom)
    return select(
        number_of(Place.id),
        cast(Place.id, Text).label("id"),
        Place.kind,
        Place.name_zh,
        Place.name_en,
        shape.label("shape"),
    ).where(Place.branch_id.in_(scope.branches), Place.kind.in_(kinds), inside(Place.boundary, scope))


def streets(scope: Scope) -> Rows:
    """Segments, the main roads first."""
    kinds = from_zoom(STREET_ZOOMS, scope.zoom)
    return (
        select(
            StreetEdge.id.label("fid"),
            cast(StreetEdge.id, Text).label("id"),
            StreetEdge.street_class.label("class"),
            StreetEdge.name,
            StreetEdge.oneway,
            flat(StreetEdge.path).label("shape"),
        )
        .where(
            StreetEdge.branch_id.in_(scope.branches),
            StreetEdge.street_class.in_(kinds),
            inside(StreetEdge.path, scope),
        )
        .order_by(func.array_position([kind.value for kind in STREET_ZOOMS], cast(StreetEdge.street_class, Text)))
    )


def lines(commodity: Commodity) -> Source:
    """Lines or pipes of one network."""

    def source(scope: Scope) -> Rows | None:
        return select(
            number_of(NetworkLink.id),
            cast(NetworkLink.id, Text).label("id"),
            NetworkLink.kind,
            NetworkLink.code,
            NetworkLink.state,
            NetworkLink.normal_state,
            NetworkLink.feeder_code.label("feeder"),
            NetworkLink.ownership,
            flat(NetworkLink.path).label("shape"),
        ).where(_links_of(commodity, scope, LINE_ZOOMS))

    return source


def _links_of(commodity: Commodity, scope: Scope, zooms: dict[LinkKind, int]) -> ColumnElement[bool]:
    return and_(
        NetworkLink.branch_id.in_(scope.branches),
        NetworkLink.commodity == commodity,
        NetworkLink.kind.in_(from_zoom(zooms, scope.zoom)),
        inside(NetworkLink.path, scope),
    )


def points(commodity: Commodity) -> Source:
    """Stations, transformers, service points; and switches or valves, which are links, at their middle."""

    def source(scope: Scope) -> Rows | None:
        both = union_all(_nodes_of(commodity, scope), _switchgear_of(commodity, scope)).subquery()
        return select(both)

    return source


def _nodes_of(commodity: Commodity, scope: Scope) -> Rows:
    return select(
        number_of(NetworkNode.id),
        cast(NetworkNode.id, Text).label("id"),
        cast(NetworkNode.kind, Text).label("kind"),
        NetworkNode.code,
        NetworkNode.name,
        cast(None, Text).label("state"),
        cast(None, Text).label("normal_state"),
        literal(True).label("usable"),
        NetworkNode.feeder_code.label("feeder"),
        cast(None, BigInteger).label("angle"),
        flat(NetworkNode.location).label("shape"),
    ).where(
        NetworkNode.branch_id.in_(scope.branches),
        NetworkNode.commodity == commodity,
        NetworkNode.kind.in_(from_zoom(NODE_ZOOMS, scope.zoom)),
        inside(NetworkNode.location, scope),
    )


def _switchgear_of(commodity: Commodity, scope: Scope) -> Rows:
    path = flat(NetworkLink.path)
    bearing = func.degrees(func.ST_Azimuth(func.ST_StartPoint(path), func.ST_EndPoint(path)))
    return select(
        number_of(NetworkLink.id),
        cast(NetworkLink.id, Text).label("id"),
        cast(NetworkLink.kind, Text).label("kind"),
        NetworkLink.code,
        NetworkLink.name,
        cast(NetworkLink.state, Text).label("state"),
        cast(NetworkLink.normal_state, Text).label("normal_state"),
        NetworkLink.usable,
        NetworkLink.feeder_code.label("feeder"),
        cast(bearing, BigInteger).label("angle"),
        func.ST_LineInterpolatePoint(path, 0.5, type_=NullType()).label("shape"),
    ).where(_links_of(commodity, scope, SWITCHGEAR_ZOOMS))


def premises(scope: Scope) -> Rows | None:
    """Supplied places; their addresses from close by only."""
    if scope.zoom < PREMISES_FROM:
        return None
    address = Premises.address if scope.zoom >= ADDRESSES_FROM else cast(None, Text)
    return select(
        number_of(Premises.id),
        cast(Premises.id, Text).label("id"),
        Premises.area_kind,
        address.label("address"),
        flat(Premises.location).label("shape"),
    ).where(Premises.branch_id.in_(scope.branches), inside(Premises.location, scope))
