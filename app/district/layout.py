"""The hierarchy of places before bending: sub-districts, communities, blocks, and which blocks are estates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from shapely import Polygon
from shapely.geometry import Point
from shapely.ops import unary_union

from app.district.blocks import Cut, Knife
from app.district.sizes import Size
from app.district.terrain import Terrain

CENTRES = [(6.4, 7.6, 2.4, 1.0), (3.6, 6.2, 1.7, 0.62), (10.9, 10.3, 1.9, 0.7), (10.6, 5.6, 1.3, 0.45)]  # x, y, reach, weight
PARKS = [(2.7, 10.4), (15.3, 9.9), (8.8, 11.4), (14.6, 7.2)]
VILLAGES = [(12.2, 6.3), (14.2, 7.6), (15.5, 8.4), (10.7, 3.3)]
HA = 10_000.0


@dataclass(frozen=True)
class Block:
    """A piece of land between streets. `kind` is estate, village, industrial_park or open."""

    outline: Polygon
    community: int
    kind: str
    premium: bool = False


@dataclass(frozen=True)
class Layout:
    """Flat (unbent) pieces; `owner[c]` is the sub-district of community c."""

    sub_districts: list[Polygon]
    communities: list[Polygon]
    owner: list[int]
    blocks: list[Block]
    cuts: list[Cut]


def density(terrain: Terrain, at: Point) -> float:
    """0 (fields) .. about 1.3 (the old centre)."""
    km = 1000 * terrain.factor
    return sum(
        weight * math.exp(-(((at.x / km - x) ** 2 + (at.y / km - y) ** 2) / (2 * reach**2)))
        for x, y, reach, weight in CENTRES
    )


def make_layout(rng: Random, terrain: Terrain, size: Size) -> Layout:
    """Cut the buildable land, then choose what each block is."""
    knife = Knife(rng)
    sub_districts = knife.into(size.sub_districts, [terrain.buildable], "arterial")
    communities = knife.into(size.communities, sub_districts, "arterial" if terrain.factor > 0.6 else "secondary")
    owner = [_owner(piece, sub_districts) for piece in communities]
    leaves = _leaves(knife, terrain, size, communities)
    blocks = _chosen(rng, terrain, size, leaves)
    for block in blocks:
        _add_lanes(knife, block)
    return Layout(sub_districts, communities, owner, blocks, [*_rims(terrain), *knife.cuts])


def _owner(piece: Polygon, sub_districts: list[Polygon]) -> int:
    inside = piece.representative_point()
    return min(range(len(sub_districts)), key=lambda number: sub_districts[number].distance(inside))


def _leaves(knife: Knife, terrain: Terrain, size: Size, communities: list[Polygon]) -> list[tuple[int, Polygon]]:
    parks = [terrain.at(*spot) for spot in PARKS[: size.parks]]
    park_ha = 55.0 * max(terrain.factor, 0.35) ** 0.8

    def target(piece: Polygon) -> float:
        if any(piece.contains(park) for park in parks):
            return park_ha * HA
        share = min(1.0, density(terrain, piece.centroid) / 0.75)
        return HA * (size.edge_block_ha + (size.centre_block_ha - size.edge_block_ha) * share)

    leaves: list[tuple[int, Polygon]] = []
    for number, community in enumerate(communities):
        dry = community.difference(terrain.river)
        for part in getattr(dry, "geoms", [dry]):
            if part.area > 0.4 * HA:
                leaves += [(number, leaf) for leaf in knife.until(target, part, "secondary", "local", 34 * HA)]
    return leaves


def _chosen(rng: Random, terrain: Terrain, size: Size, leaves: list[tuple[int, Polygon]]) -> list[Block]:
    """Parks where parks belong, villages in their belt, estates where the town is dense, the rest open land."""
    kinds: dict[int, tuple[str, bool]] = {}
    for kind, spots, count in (("industrial_park", PARKS, size.parks), ("village", _village_spots(rng, size), size.villages)):
        for x, y in spots[:count]:
            spot = terrain.at(x, y)
            free = (n for n, (_, leaf) in enumerate(leaves) if n not in kinds and leaf.area > 1.5 * HA)
            kinds[min(free, key=lambda n: leaves[n][1].distance(spot))] = (kind, False)
    wanted = size.estates - len(kinds)
    score = {
        n: density(terrain, leaf.centroid) + rng.gauss(0, 0.16)
        for n, (_, leaf) in enumerate(leaves)
        if n not in kinds and leaf.area > 1.2 * HA and leaf.area < 60 * HA
    }
    estates = sorted(score, key=lambda n: -score[n])[:wanted]
    premium = set(rng.sample(estates[: max(size.premium_estates * 5, 6)], size.premium_estates))
    kinds.update({n: ("estate", n in premium) for n in estates})
    return [Block(leaf, community, *kinds.get(n, ("open", False))) for n, (community, leaf) in enumerate(leaves)]


def _village_spots(rng: Random, size: Size) -> list[tuple[float, float]]:
    more = [(x + rng.uniform(-1.5, 1.5), y + rng.uniform(-1.5, 1.5)) for x, y in VILLAGES * (size.villages // 4)]
    return [*VILLAGES, *more]


def _add_lanes(knife: Knife, block: Block) -> None:
    """Cut estates into cells by lanes; open land gets none."""
    cell_ha = {"estate": 2.4, "village": 0.9, "industrial_park": 9.0, "open": 0.0}[block.kind]
    if cell_ha:
        knife.until(lambda _: max(cell_ha * HA, block.outline.area / 14), block.outline, "lane", "lane", 0)


def _rims(terrain: Terrain) -> list[Cut]:
    """The roads round the buildable land (bay, hill foot, ring), along the river, and up the hills."""
    banks = terrain.river.boundary.intersection(terrain.buildable)
    rims = [Cut(terrain.buildable.exterior, "arterial"), Cut(terrain.hill_road, "mountain")]
    return rims + [Cut(bank, "secondary") for bank in getattr(banks, "geoms", [banks])]


def whole(polygons: list[Polygon]) -> Polygon:
    """The union of pieces of one place."""
    return unary_union(polygons)
