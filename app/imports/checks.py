"""What a row must be to be taken. Values in, values or refusals out; no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any
from uuid import UUID

from shapely import get_coordinates
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

from app.customers.models import AreaKind
from app.imports.reading import RawRow
from app.kernel.geo import must_lie_in
from app.kernel.problems import Invalid
from app.network.models import Commodity, LinkKind, LinkState, NodeKind, Ownership
from app.streets.models import StreetClass

LONGEST = 300
Bad = Callable[[str, str, object], None]  # column, reason, value


@dataclass(frozen=True)
class Column:
    """One of our columns: whether it must be there, and how its text is read."""

    name: str
    needed: bool = False
    choices: type[StrEnum] | None = None
    read: Callable[[Any], Any] | None = None


def _yes_no(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}
    return words[str(value).strip().lower()]


def _speed(value: Any) -> float:
    speed = float(value)
    if not 1 <= speed <= 150:
        raise ValueError(value)
    return speed


NODE = [Column("code", True), Column("kind", True, NodeKind), Column("commodity", True, Commodity), Column("name"),
        Column("feeder"), Column("ownership", choices=Ownership)]  # fmt: skip
LINK = [Column("code", True), Column("kind", True, LinkKind), Column("commodity", True, Commodity),
        Column("from_node", True), Column("to_node", True), Column("name"), Column("feeder"),
        Column("normal_state", choices=LinkState), Column("usable", read=_yes_no),
        Column("ownership", choices=Ownership)]  # fmt: skip
PREMISES = [Column("code", True), Column("address", True), Column("address_en"), Column("area_kind", choices=AreaKind),
            Column("service_node"), Column("riser_node")]  # fmt: skip
STREET = [Column("name"), Column("street_class", choices=StreetClass), Column("speed_kmh", read=_speed),
          Column("oneway", read=_yes_no)]  # fmt: skip
COLUMNS = {"boundary": [], "network_nodes": NODE, "network_links": LINK, "premises": PREMISES, "streets": STREET}
OF_GAS = {NodeKind.GATE_STATION, NodeKind.REGULATOR, NodeKind.GAS_JUNCTION, NodeKind.RISER, LinkKind.MAIN,
          LinkKind.BRANCH_PIPE, LinkKind.SERVICE_PIPE, LinkKind.VALVE}  # fmt: skip


@dataclass
class Known:
    """Codes met so far, in the file and in the branch: what must be unique, and what may be referred to."""

    nodes: dict[tuple[str, str], UUID] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)
    premises: set[str] = field(default_factory=set)


def read_values(columns: Iterable[Column], theirs: dict[str, Any], bad: Bad) -> dict[str, Any]:
    """Our values of a row: chosen from the closed sets, read, required ones present."""
    found: dict[str, Any] = {}
    for column in columns:
        value = theirs.get(column.name)
        if value is None:
            if column.needed:
                bad(column.name, "required", "")
            continue
        found[column.name] = _one(column, value, bad)
    return found


def _one(column: Column, value: Any, bad: Bad) -> Any:
    if column.choices is not None:
        if value in set(column.choices):
            return str(value)
        bad(column.name, "choice", value)
        return None
    if column.read is not None:
        try:
            return column.read(value)
        except (KeyError, ValueError, TypeError):
            bad(column.name, "invalid", value)
            return None
    if len(str(value)) > LONGEST:
        bad(column.name, "too_long", value)
    return str(value)


def read_shape(row: RawRow, kind: type[BaseGeometry], area: BaseGeometry | None, bad: Bad) -> BaseGeometry | None:
    """The row's shape if it is of the kind, in degrees and in the area; a multi-part of one part is unpacked."""
    shape = row.shape
    if isinstance(shape, BaseMultipartGeometry) and len(shape.geoms) == 1:
        shape = shape.geoms[0]
    if row.untransformable:
        bad("geometry", "not_transformable", "")
    elif shape is None or shape.is_empty:
        bad("geometry", "required", "")
    elif not isinstance(shape, kind):
        bad("geometry", "geometry_type", shape.geom_type)
    elif _lies_well(shape, area, bad):
        return shape
    return None


def _lies_well(shape: BaseGeometry, area: BaseGeometry | None, bad: Bad) -> bool:
    ends = get_coordinates(shape)
    for x, y in ends[[0, -1]]:
        if not (isfinite(x) and isfinite(y)) or abs(x) > 180 or abs(y) > 180:
            bad("geometry", "not_wgs84", f"{x} {y}")
            return False
        if abs(y) > 90:
            bad("geometry", "swapped", f"{x} {y}")
            return False
        try:
            must_lie_in(area, Point(x, y), field="geometry")
        except Invalid as refused:
            bad("geometry", refused.errors[0].reason, f"{x} {y}")
            return False
    return True


def check_node(values: dict[str, Any], known: Known, node_id: UUID, bad: Bad) -> None:
    """A code once a commodity; a kind of that commodity."""
    _check_kind(values, bad)
    key = (values.get("commodity") or "", values.get("code") or "")
    if key in known.nodes:
        bad("code", "duplicate", key[1])
    known.nodes.setdefault(key, node_id)


def check_link(values: dict[str, Any], known: Known, bad: Bad) -> None:
    """A code once a commodity; both ends among the nodes, and not the same one."""
    _check_kind(values, bad)
    commodity = values.get("commodity") or ""
    key = (commodity, values.get("code") or "")
    if key in known.links:
        bad("code", "duplicate", key[1])
    known.links.add(key)
    for end in ("from_node", "to_node"):
        if end in values and (commodity, values[end]) not in known.nodes:
            bad(end, "not_found", values[end])
    if values.get("from_node") is not None and values.get("from_node") == values.get("to_node"):
        bad("to_node", "same_node", values["to_node"])


def _check_kind(values: dict[str, Any], bad: Bad) -> None:
    kind, commodity = values.get("kind"), values.get("commodity")
    if kind and commodity and (kind in OF_GAS) != (commodity == Commodity.GAS):
        bad("kind", "other_commodity", kind)


def check_premises(values: dict[str, Any], known: Known, bad: Bad) -> None:
    """A code once; named nodes among the nodes."""
    code = values.get("code") or ""
    if code in known.premises:
        bad("code", "duplicate", code)
    known.premises.add(code)
    for column, commodity in (("service_node", "power"), ("riser_node", "gas")):
        if values.get(column) is not None and (commodity, values[column]) not in known.nodes:
            bad(column, "not_found", values[column])
