"""Units (stairwells), houses and factories inside estates, and the premises in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from shapely import Polygon, STRtree, contains_xy, get_coordinates, minimum_rotated_rectangle
from shapely.geometry import Point

from app.district.names import street_en, words
from app.district.plane import Coordinates
from app.district.sizes import Size
from app.district.streets import Streets
from app.district.town import Estate, Town

SETBACK_M = 14.0  # from the middle of a lane to a wall
HOUSES = {"tiny": 15, "demo": 60, "load": 150}  # houses in one village
FIRMS = {"tiny": 8, "demo": 45, "load": 120}  # firms in one park
UNITS_A_BUILDING = 3


@dataclass(frozen=True)
class Unit:
    """One stairwell, house or factory: where a service and, in estates, a riser ends. `at` is (x, y) metres."""

    estate: int
    at: tuple[float, float]
    building: int
    unit: int
    flats: int


@dataclass(frozen=True)
class Home:
    """One premises. `important` is an index into the important customers, or None."""

    unit: int
    address: str
    address_en: str
    area_kind: str
    at: tuple[float, float]
    important: int | None = None


def make_units(rng: Random, town: Town, size: Size) -> list[Unit]:
    """Exactly `size.units` stairwells in estates, plus the houses of villages and the firms of parks."""
    residential = [n for n, estate in enumerate(town.estates) if estate.kind == "estate"]
    shares = _shares(rng, [town.estates[n] for n in residential], size.units)
    counts = dict(zip(residential, shares, strict=True))
    flats = _flats(rng, town, size)
    units = []
    for number, estate in enumerate(town.estates):
        if estate.kind == "estate":
            spots = _spots(rng, estate, counts[number], (24.0, 38.0))
        else:
            houses = HOUSES if estate.kind == "village" else FIRMS
            spacing = (17.0, 21.0) if estate.kind == "village" else (85.0, 110.0)
            spots = _spots(rng, estate, houses[size.name], spacing)
        units += [Unit(number, at, b, u, next(flats) if estate.kind == "estate" else 1) for b, u, at in spots]
    return units


def _shares(rng: Random, estates: list[Estate], total: int) -> list[int]:
    """Whole numbers adding up to `total`, at least two each, by area and chance."""
    weights = np.array([sum(cell.area for cell in e.cells) ** 0.6 * rng.uniform(0.5, 1.6) for e in estates])
    weights /= weights.sum()
    shares = 2 + np.floor(weights * (total - 2 * len(estates))).astype(int)
    for n in range(total - int(shares.sum())):
        shares[n % len(shares)] += 1
    return [int(share) for share in shares]


def _flats(rng: Random, town: Town, size: Size) -> Iterator[int]:
    """Flats of each stairwell; all stairwells together hold what villages and parks leave of the premises."""
    others = sum(
        {"village": HOUSES, "industrial_park": FIRMS}[e.kind][size.name] for e in town.estates if e.kind != "estate"
    )
    total = size.premises - others
    flats = np.full(size.units, total // size.units)
    flats[: total - int(flats.sum())] += 1
    for _ in range(size.units):  # a spread around the mean, the sum kept
        a, b = rng.randrange(size.units), rng.randrange(size.units)
        if flats[a] > 2:
            flats[a] -= 1
            flats[b] += 1
    yield from (int(count) for count in flats)


def _spots(
    rng: Random, estate: Estate, count: int, spacing: tuple[float, float]
) -> list[tuple[int, int, tuple[float, float]]]:
    """(building, unit, place) of `count` units; rows are squeezed until all fit."""
    for _ in range(12):
        rows = [row for cell in estate.cells for row in _rows(cell, spacing)]
        if sum(len(row) for row in rows) >= count * (1.15 if len(rows) > 4 else 1):
            break
        spacing = (spacing[0] * 0.82, spacing[1] * 0.82)
    in_row = UNITS_A_BUILDING if estate.kind == "estate" else 1
    buildings = [row[n : n + in_row] for row in rows for n in range(0, len(row), in_row)]
    chosen, left = [], count
    for building in rng.sample(buildings, len(buildings)):
        chosen.append(building[:left])
        left -= len(chosen[-1])
        if not left:
            break
    chosen.sort(key=lambda building: (-round(building[0][1], -1), building[0][0]))
    return [(b, u, at) for b, building in enumerate(chosen, 1) for u, at in enumerate(building, 1)]


def _rows(cell: Polygon, spacing: tuple[float, float]) -> list[list[tuple[float, float]]]:
    """Rows of places inside a cell, along its longer side, clear of the lanes round it."""
    inner = cell.buffer(-SETBACK_M)
    if inner.is_empty:
        inner = cell.buffer(-SETBACK_M / 2)
    if inner.is_empty:
        return []
    corners: Coordinates = get_coordinates(minimum_rotated_rectangle(inner))
    a, b = corners[1] - corners[0], corners[2] - corners[1]
    a, b = (a, b) if np.hypot(*a) >= np.hypot(*b) else (b, a)
    start = corners.mean(axis=0, where=np.array([[True]] * 4 + [[False]])) - (a + b) / 2
    length, depth = float(np.hypot(*a)), float(np.hypot(*b))
    rows = []
    for k in range(max(1, int(depth // spacing[1]))):
        steps = np.arange(spacing[0] / 2, max(length, spacing[0]), spacing[0])
        points = start + b * min(1.0, (k + 0.5) * spacing[1] / depth) + steps[:, None] * a / length
        inside = contains_xy(inner, points[:, 0], points[:, 1])
        rows.append([(round(float(x), 2), round(float(y), 2)) for x, y in points[inside]])
    return [row for row in rows if row]


def seat_important(town: Town, units: list[Unit]) -> tuple[list[Unit], list[int]]:
    """Give each important customer a unit to itself; its other flats move to the next unit of the same estate."""
    heads = [n for n, unit in enumerate(units) if town.estates[unit.estate].kind == "estate" and unit.building == 1]
    heads = [n for n in heads if n + 1 < len(units) and units[n + 1].estate == units[n].estate and units[n].unit == 1]
    count = len(words()["important"])
    chosen = [heads[(2 * k + 1) * len(heads) // (2 * count)] for k in range(count)]
    seated = list(units)
    for n in chosen:
        seated[n + 1] = replace(seated[n + 1], flats=seated[n + 1].flats + seated[n].flats - 1)
        seated[n] = replace(seated[n], flats=1)
    return seated, chosen


def make_homes(rng: Random, town: Town, units: list[Unit], important: list[int]) -> list[Home]:
    """Every premises with its address. `important` names the units that hold one important customer each."""
    fronts = _fronts(rng, town)
    homes = []
    for number, unit in enumerate(units):
        estate = town.estates[unit.estate]
        place = town.places[estate.place]
        if number in important:
            who = words()["important"][important.index(number)]
            street, no = fronts[unit.estate]
            address = f"{estate.sub_district}{street}{no}号 {who['name']}"
            homes.append(Home(number, address, f"{who['name_en']}, {no} {street_en(street)}", "city", unit.at,
                              important.index(number)))  # fmt: skip
        else:
            homes += _flats_of(number, unit, estate, place.name_en, fronts[unit.estate])
    return homes


def _flats_of(number: int, unit: Unit, estate: Estate, name_en: str, front: tuple[str, int]) -> Iterator[Home]:
    street, no = front
    if estate.kind != "estate":
        kind = "city" if estate.kind == "industrial_park" else ("remote" if estate.remote else "rural")
        yield Home(
            number, f"{estate.sub_district}{estate.name}{unit.building}号", f"{unit.building} {name_en}", kind, unit.at
        )
        return
    for flat in range(unit.flats):
        room = (flat // 2 + 1) * 100 + flat % 2 + 1
        zh = f"{estate.sub_district}{street}{no}号{estate.name}{unit.building}栋{unit.unit}单元{room}"
        en = f"Room {room}, Unit {unit.unit}, Bldg {unit.building}, {name_en}, {no} {street_en(street)}"
        at = (round(unit.at[0] + (flat % 2) * 4.0 - 2.0, 2), round(unit.at[1] + (flat // 2 % 3) * 2.0 - 2.0, 2))
        yield Home(number, zh, en, "city", at)


def _fronts(rng: Random, town: Town) -> list[tuple[str, int]]:
    """The street and number by which each estate is addressed."""
    streets: Streets = town.streets
    named = [edge for edge in streets.edges if edge.street_class != "lane"]
    tree = STRtree([edge.line for edge in named])
    centres: list[Point] = [town.places[estate.place].outline.centroid for estate in town.estates]
    return [(named[int(tree.nearest(centre))].name, rng.randrange(1, 200)) for centre in centres]
