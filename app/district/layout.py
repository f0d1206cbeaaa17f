"""The hierarchy of places before bending: sub-districts, communities, blocks, and which blocks are estates."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from random import Random

from shapely import Polygon
from shapely.affinity import rotate, scale
from shapely.geometry import Point
from shapely.ops import nearest_points, unary_union

from app.district.blocks import Cut, Knife, lines_of
from app.district.sizes import Size
from app.district.terrain import HAMLET, SHORE_M, Terrain

CENTRES = [
    (6.4, 7.6, 2.3, 1.0),
    (3.3, 6.6, 1.6, 0.65),
    (10.9, 10.6, 1.7, 0.75),
    (10.8, 5.2, 1.3, 0.6),
    (14.2, 9.2, 1.1, 0.5),
]  # x, y, reach, weight
PARKS = [(2.7, 10.4), (15.3, 9.9), (8.8, 11.4), (14.6, 7.2)]
VILLAGES = [(12.3, 6.2), (13.9, 7.4), (15.6, 7.9)]  # the belt below the hills; one more stands on the hill road
HA = 10_000.0
CELL_HA = {"estate": 2.2, "village": 0.8, "industrial_park": 8.0, "open": 0.0}


@dataclass(frozen=True)
class Block:
    """A piece of land between streets. `kind` is estate, village, industrial_park or open."""

    outline: Polygon
    community: int
    kind: str
    premium: bool = False
    cells: tuple[Polygon, ...] = ()


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
    x, y = (float(metres) / (1000 * terrain.factor) for metres in (at.x, at.y))
    return math.fsum(
        weight * math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * reach**2)) for cx, cy, reach, weight in CENTRES
    )


def make_layout(rng: Random, terrain: Terrain, size: Size) -> Layout:
    """Cut the buildable land, then choose what each block is."""
    knife = Knife(rng)
    sub_districts = knife.into(size.sub_districts, [terrain.buildable], "trunk")
    communities = knife.into(size.communities, sub_districts, "primary")
    owner = [_owner(piece, sub_districts) for piece in communities]
    leaves = _leaves(knife, terrain, size, communities)
    blocks = _chosen(rng, terrain, size, leaves)
    blocks = [_with_lanes(knife, block, number) for number, block in enumerate(blocks)]
    return Layout(sub_districts, communities, owner, blocks, [*_rims(terrain), *knife.cuts])


def _owner(piece: Polygon, sub_districts: list[Polygon]) -> int:
    inside = piece.representative_point()
    return min(range(len(sub_districts)), key=lambda number: sub_districts[number].distance(inside))


def _leaves(knife: Knife, terrain: Terrain, size: Size, communities: list[Polygon]) -> list[tuple[int, Polygon]]:
    parks = [terrain.at(*spot) for spot in PARKS[: size.parks]]
    park_ha = 55.0 * float(max(terrain.factor, 0.35) ** 0.8)

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
                leaves += [(number, leaf) for leaf in knife.until(target, part, "secondary", "residential", 34 * HA)]
    return leaves


def _chosen(rng: Random, terrain: Terrain, size: Size, leaves: list[tuple[int, Polygon]]) -> list[Block]:
    """Parks where parks belong, villages in their belt, estates where the town is dense, the rest open land."""
    leaves = [*leaves, *_hamlet(terrain, size, leaves)]
    kinds: dict[int, str] = {len(leaves) - 1: "village"}
    for kind, x, y in _spots(rng, size):
        spot = terrain.at(x, y)
        free = (n for n, (_, leaf) in enumerate(leaves) if n not in kinds and leaf.area > 1.5 * HA)
        kinds[min(free, key=lambda n: leaves[n][1].distance(spot))] = kind
    estates = _estates(rng, terrain, size, leaves, kinds)
    premium = set(rng.sample(estates[: max(size.premium_estates * 6, 6)], size.premium_estates))
    kinds.update(dict.fromkeys(estates, "estate"))
    return [Block(leaf, at, kinds.get(n, "open"), n in premium) for n, (at, leaf) in enumerate(leaves)]


def _estates(
    rng: Random, terrain: Terrain, size: Size, leaves: list[tuple[int, Polygon]], taken: dict[int, str]
) -> list[int]:
    """Leaf numbers of the estates, best first: every community gets its share, the dense ones the rest."""
    score = {
        n: density(terrain, leaf.centroid) + rng.gauss(0, 0.19) + (0.08 if leaf.area < 20 * HA else 0)
        for n, (_, leaf) in enumerate(leaves)
        if n not in taken and 1.2 * HA < leaf.area < 60 * HA
    }
    ranked = sorted(score, key=lambda n: -score[n])
    own: dict[int, list[int]] = defaultdict(list)
    for n in ranked:
        own[leaves[n][0]].append(n)
    fair = {n for numbers in own.values() for n in numbers[: size.estates // (3 * size.communities)]}
    wanted = size.estates - len(taken)
    rest = [n for n in ranked if n not in fair][: wanted - len(fair)]
    return sorted([*fair, *rest], key=lambda n: -score[n])


def _hamlet(terrain: Terrain, size: Size, leaves: list[tuple[int, Polygon]]) -> list[tuple[int, Polygon]]:
    """The village on the hill road: outside the cut land, so its outline is drawn here."""
    centre = nearest_points(terrain.hill_road, terrain.at(*HAMLET))[0]
    outline = scale(centre.buffer(math.sqrt(5.5 * HA / math.pi), 5), 1.3, 0.8)
    community = min(range(size.communities), key=lambda c: min(p.distance(centre) for at, p in leaves if at == c))
    return [(community, rotate(outline, 24).buffer(-1).buffer(1))]


def _spots(rng: Random, size: Size) -> list[tuple[str, float, float]]:
    """Where parks and (all but one of the) villages stand, in kilometres of the full district."""
    villages = [VILLAGES[n % len(VILLAGES)] for n in range(size.villages - 1)]
    apart = 0 if size.villages <= len(VILLAGES) + 1 else 1.2
    return [("industrial_park", x, y) for x, y in PARKS[: size.parks]] + [
        ("village", x + rng.uniform(-apart, apart), y + rng.uniform(-apart, apart)) for x, y in villages
    ]


def _with_lanes(knife: Knife, block: Block, number: int) -> Block:
    """Cut estates into cells by lanes; open land gets none."""
    cell_ha = CELL_HA[block.kind]
    if not cell_ha:
        return block
    knife.tag = f"block:{number}"
    cells = knife.until(lambda _: max(cell_ha * HA, block.outline.area / 16), block.outline, "lane", "lane", 0)
    return replace(block, cells=tuple(cells))


def _rims(terrain: Terrain) -> list[Cut]:
    """The roads round the buildable land (bay, hill foot, ring), along both river banks, and over the hills."""
    rim = terrain.buildable.exterior
    by_bay = rim.intersection(terrain.coast.buffer(terrain.factor * SHORE_M * 1.7))
    by_hills = rim.difference(by_bay.buffer(1)).intersection(terrain.hills.buffer(terrain.factor * 120))
    ring = rim.difference(unary_union([by_bay, by_hills]).buffer(1))
    banks = terrain.river.boundary.intersection(terrain.buildable)
    named = (("bay", "trunk", by_bay), ("foot", "secondary", by_hills), ("ring", "primary", ring),
             ("bank", "secondary", banks), ("pass", "secondary", terrain.hill_road))  # fmt: skip
    return [Cut(line, street_class, tag) for tag, street_class, shape in named for line in lines_of(shape)]
