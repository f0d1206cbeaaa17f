"""Checked values to the rows of our tables."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
from pypinyin import Style, lazy_pinyin
from shapely import get_coordinates
from shapely.geometry.base import BaseGeometry

from app.imports.checks import Known
from app.kernel.geo import EARTH_RADIUS_M
from app.network.models import LinkState, Ownership
from app.streets.models import StreetClass

SPEED_KMH = {"trunk": 60.0, "primary": 50.0, "secondary": 40.0, "residential": 30.0, "lane": 15.0}
SAME_PLACE_DEG = 6  # decimals; about 0.1 m: ends of streets this close are one junction

Row = dict[str, Any]


def line_m(shape: BaseGeometry) -> float:
    """Length of a line in degrees, in metres along great circles; at least a centimetre."""
    lon, lat = np.radians(get_coordinates(shape)).T
    half = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(np.diff(lon) / 2) ** 2
    return max(0.01, float(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half)).sum()))


def node_row(branch_id: UUID, own: UUID, values: Row, shape: BaseGeometry) -> Row:
    """A row of network_node."""
    return {
        "id": own,
        "branch_id": branch_id,
        "commodity": values["commodity"],
        "kind": values["kind"],
        "code": values["code"],
        "name": values.get("name"),
        "feeder_code": values.get("feeder"),
        "ownership": values.get("ownership", Ownership.UTILITY.value),
        "location": shape,
        "attrs": "{}",
    }


def link_row(branch_id: UUID, own: UUID, values: Row, shape: BaseGeometry, known: Known) -> Row:
    """A row of network_link; its present state is its normal one."""
    state = values.get("normal_state", LinkState.CLOSED.value)
    return {
        "id": own,
        "branch_id": branch_id,
        "commodity": values["commodity"],
        "kind": values["kind"],
        "code": values["code"],
        "name": values.get("name"),
        "from_node_id": known.nodes[values["commodity"], values["from_node"]],
        "to_node_id": known.nodes[values["commodity"], values["to_node"]],
        "feeder_code": values.get("feeder"),
        "normal_state": state,
        "state": state,
        "usable": values.get("usable", True),
        "ownership": values.get("ownership", Ownership.UTILITY.value),
        "length_m": line_m(shape),
        "path": shape,
        "attrs": "{}",
    }


def premises_row(branch_id: UUID, own: UUID, values: Row, shape: BaseGeometry, known: Known) -> Row:
    """A row of premises."""
    initials = "".join(lazy_pinyin(values["address"], style=Style.FIRST_LETTER))
    return {
        "id": own,
        "branch_id": branch_id,
        "code": values["code"],
        "place_id": None,
        "address": values["address"],
        "address_en": values.get("address_en"),
        "initials": "".join(initials.lower().split()),
        "location": shape,
        "area_kind": values.get("area_kind", "city"),
        "service_node_id": _node(known, "power", values.get("service_node")),
        "riser_node_id": _node(known, "gas", values.get("riser_node")),
    }


def _node(known: Known, commodity: str, code: str | None) -> UUID | None:
    return None if code is None else known.nodes[commodity, code]


def street_row(branch_id: UUID, own: int, ends: tuple[int, int], values: Row, shape: BaseGeometry) -> Row:
    """A row of street_edge."""
    street_class = values.get("street_class", StreetClass.RESIDENTIAL.value)
    return {
        "id": own,
        "branch_id": branch_id,
        "from_node_id": ends[0],
        "to_node_id": ends[1],
        "name": values.get("name"),
        "street_class": street_class,
        "length_m": line_m(shape),
        "speed_kmh": values.get("speed_kmh", SPEED_KMH[street_class]),
        "oneway": values.get("oneway", False),
        "path": shape,
    }


def ends_of(shape: BaseGeometry) -> tuple[tuple[float, float], tuple[float, float]]:
    """Both ends of a line, rounded so that streets that touch share a junction."""
    first, last = get_coordinates(shape)[[0, -1]].round(SAME_PLACE_DEG)
    return (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))
