"""Rows of the ground: branch, places, streets, network, premises."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from uuid import UUID

from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from app.district.book import Book
from app.district.buildings import Home, Unit, make_homes, make_units, seat_important
from app.district.gas import Gas, make_gas
from app.district.grid import Grid
from app.district.names import initials
from app.district.power import Power, make_power
from app.district.sizes import Size
from app.district.town import Town, make_town
from app.district.trees import make_roads

BRANCH_CODE = "LH"
NAME_ZH, NAME_EN = "龙衡供电供气公司（示范）", "Longheng Power and Gas (demo)"


@dataclass(frozen=True)
class Premises:
    """A premises as later rows need it."""

    id: UUID
    address: str
    at: tuple[float, float]
    unit: int
    estate: int
    area_kind: str
    important: int | None
    riser: bool


@dataclass(frozen=True)
class Ground:
    """The finished ground. `node_ids` are the power network's, by number; `place_ids` those of the town's places."""

    town: Town
    premises: list[Premises]
    power: Power
    node_ids: list[UUID]
    units: list[Unit]
    place_ids: list[UUID]


def make_ground(rng: Random, size: Size) -> tuple[Town, list[Unit], list[Home], Power, Gas]:
    """The district in metres, before any row."""
    town = make_town(rng, size)
    units, important = seat_important(town, make_units(rng, town, size))
    homes = make_homes(rng, town, units, important)
    roads = make_roads(town.streets)
    power = make_power(rng, town, roads, units, important, size)
    return town, units, homes, power, make_gas(rng, town, roads, units, size)


def write_ground(rng: Random, book: Book, size: Size, first_street_id: int) -> Ground:
    """All rows of the ground. Street ids are whole numbers counted from `first_street_id`."""
    town, units, homes, power, gas = make_ground(rng, size)
    book.put("branch", id=book.branch_id, code=BRANCH_CODE, name_zh=NAME_ZH, name_en=NAME_EN, timezone="Asia/Shanghai",
             boundary=town.boundary, synthetic=True)  # fmt: skip
    place_ids = _write_places(book, town)
    _write_streets(book, town, first_street_id)
    nodes = _write_grid(book, power.grid)
    gas_nodes = _write_grid(book, gas.grid)
    premises = []
    for number, home in enumerate(homes, 1):
        riser = gas.riser.get(home.unit)
        at = book.new_id()
        estate = units[home.unit].estate
        book.put("premises", id=at, code=f"P{number:07d}", place_id=place_ids[town.estates[estate].place],
                 address=home.address, address_en=home.address_en, initials=initials(home.address),
                 location=home.at, area_kind=home.area_kind, service_node_id=nodes[power.service[home.unit]],
                 riser_node_id=None if riser is None else gas_nodes[riser])  # fmt: skip
        premises.append(
            Premises(at, home.address, home.at, home.unit, estate, home.area_kind, home.important, riser is not None)
        )
    return Ground(town, premises, power, nodes, units, place_ids)


def _write_places(book: Book, town: Town) -> list[UUID]:
    ids = [book.new_id() for _ in town.places]
    for own, place in zip(ids, town.places, strict=True):
        parent = None if place.parent is None else ids[place.parent]
        book.put("place", id=own, parent_id=parent, kind=place.kind, name_zh=place.name_zh, name_en=place.name_en,
                 boundary=place.outline)  # fmt: skip
    return ids


def _write_streets(book: Book, town: Town, first: int) -> None:
    for number, node in enumerate(town.streets.nodes):
        book.put("street_node", id=first + number, location=node)
    speed = {"trunk": 60, "primary": 50, "secondary": 40, "residential": 30, "lane": 15}
    for number, edge in enumerate(town.streets.edges):
        book.put("street_edge", id=first + number, from_node_id=first + edge.start, to_node_id=first + edge.end,
                 name=edge.name or None, street_class=edge.street_class, length_m=round(edge.length_m, 2),
                 speed_kmh=speed[edge.street_class], oneway=False, path=edge.line)  # fmt: skip


def _write_grid(book: Book, grid: Grid) -> list[UUID]:
    ids = [book.new_id() for _ in grid.nodes]
    for own, node in zip(ids, grid.nodes, strict=True):
        book.put("network_node", id=own, commodity=grid.commodity, kind=node.kind, code=node.code, name=node.name,
                 feeder_code=node.feeder, ownership="customer" if node.private else "utility", location=node.at,
                 attrs=node.attrs)  # fmt: skip
    for link in grid.links:
        state = "open" if link.is_open else "closed"
        book.put("network_link", id=book.new_id(), commodity=grid.commodity, kind=link.kind, code=link.code, name=None,
                 from_node_id=ids[link.a], to_node_id=ids[link.b], feeder_code=link.feeder, normal_state=state,
                 state=state, usable=link.usable, ownership="customer" if link.private else "utility",
                 length_m=round(link.line.length, 2), path=_line(link.line), attrs=link.attrs)  # fmt: skip
    return ids


def _line(shape: BaseGeometry) -> LineString:
    if not isinstance(shape, LineString):
        raise TypeError(f"a link must be a line, not {shape.geom_type}")
    return shape
