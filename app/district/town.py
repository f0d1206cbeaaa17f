"""The town on its ground: bent streets with names, and places with outlines, names and parents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from shapely import Polygon
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from app.district.layout import Block, Layout, make_layout
from app.district.names import Namer, pinyin, words
from app.district.plane import Coordinates, bent, smooth_warp
from app.district.sizes import Size
from app.district.streets import Streets, make_streets
from app.district.terrain import Terrain, make_terrain

VERGE_M = 11.0  # an estate's outline keeps this distance from the middle of the street


@dataclass(frozen=True)
class Place:
    """A named area; `parent` is an index into the same list."""

    kind: str
    name_zh: str
    name_en: str
    outline: MultiPolygon
    parent: int | None


@dataclass(frozen=True)
class Estate:
    """A lived-in block: where premises stand. `place` is its index among the places."""

    place: int
    kind: str
    premium: bool
    name: str
    sub_district: str
    cells: tuple[Polygon, ...]
    block: int
    remote: bool


@dataclass(frozen=True)
class Town:
    """Everything in metres, bent."""

    boundary: MultiPolygon
    streets: Streets
    places: list[Place]
    estates: list[Estate]


def make_town(rng: Random, size: Size) -> Town:
    """Ground, cuts, streets and places of one size."""
    terrain = make_terrain(rng, size.area_km2)
    layout = make_layout(rng, terrain, size)
    bend = smooth_warp(rng, 17_000 * terrain.factor)
    namer = Namer(rng)
    places, estates = _places(namer, terrain, layout, bend)
    streets = make_streets(layout.cuts).renamed(_street_names(namer, layout, estates))
    lines = bent(np.array([edge.line for edge in streets.edges], dtype=object), bend)
    edges = [replace(edge, line=line) for edge, line in zip(streets.edges, lines, strict=True)]
    bent_streets = Streets(list(bent(np.array(streets.nodes, dtype=object), bend)), edges)
    return Town(_multi(bent(terrain.boundary, bend)), bent_streets, places, estates)


def _multi(shape: BaseGeometry) -> MultiPolygon:
    parts = [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon)]
    return MultiPolygon(parts)


def _places(
    namer: Namer, terrain: Terrain, layout: Layout, bend: Callable[[Coordinates], Coordinates]
) -> tuple[list[Place], list[Estate]]:
    places = [
        Place("sub_district", f"{name}街道", f"{pinyin(name)} Sub-district", _multi(bent(shape, bend)), None)
        for name, shape in zip(words()["sub_districts"], layout.sub_districts, strict=False)
    ]
    for shape, owner in zip(layout.communities, layout.owner, strict=True):
        name = namer.community()
        english = f"{pinyin(name.removesuffix('社区'))} Community"
        places.append(Place("community", name, english, _multi(bent(shape, bend)), owner))
    estates: list[Estate] = []
    for number, block in enumerate(layout.blocks):
        if block.kind != "open":
            places.append(_estate_place(namer, block, len(layout.sub_districts) + block.community, bend, len(estates)))
            sub_district = places[layout.owner[block.community]].name_zh
            cells = tuple(bent(cell, bend) for cell in block.cells)
            estates.append(
                Estate(
                    len(places) - 1,
                    block.kind,
                    block.premium,
                    places[-1].name_zh,
                    sub_district,
                    cells,
                    number,
                    number == len(layout.blocks) - 1,
                )
            )
    water = (
        ("龙衡湾", "Longheng Bay", terrain.bay),
        ("衡河", "Heng River", terrain.river.intersection(terrain.boundary)),
    )
    places += [Place("water", zh, en, _multi(bent(shape, bend)), None) for zh, en, shape in water]
    hills = terrain.hills.intersection(terrain.boundary)
    return [*places, Place("hills", "云岭", "Yunling Hills", _multi(bent(hills, bend)), None)], estates


def _estate_place(
    namer: Namer, block: Block, parent: int, bend: Callable[[Coordinates], Coordinates], number: int
) -> Place:
    outline = _multi(bent(block.outline.buffer(-VERGE_M), bend))
    if block.kind == "estate":
        name = namer.estate(premium=block.premium)
        return Place("estate", name, pinyin(name), outline, parent)
    stems = words()["villages" if block.kind == "village" else "parks"]
    fresh = [stem for stem in stems if stem not in namer.used]
    stem = fresh[0] if fresh else f"{stems[number % len(stems)]}{number}"
    namer.used.add(stem)
    suffix, english = ("村", "Village") if block.kind == "village" else ("工业园", "Industrial Park")
    return Place(block.kind, stem + suffix, f"{pinyin(stem)} {english}", outline, parent)


def _street_names(namer: Namer, layout: Layout, estates: list[Estate]) -> dict[int, str]:
    """A name for each cut. Lanes inside estates have none, those of villages are numbered."""
    named = {tag: chinese for tag, (chinese, _) in words()["street_named"].items()}
    villages = {f"block:{estate.block}": estate.name for estate in estates if estate.kind == "village"}
    numbers: dict[str, int] = {}
    names: dict[int, str] = {}
    for number, cut in enumerate(layout.cuts):
        if cut.tag in named:
            names[number] = named[cut.tag]
        elif cut.street_class != "lane":
            names[number] = namer.street(cut.street_class)
        elif cut.tag in villages:
            numbers[cut.tag] = numbers.get(cut.tag, 0) + 1
            names[number] = f"{villages[cut.tag]}{numbers[cut.tag]}巷"
        else:
            names[number] = ""
    return names
