"""The gas network: gate stations, medium-pressure mains to district regulators, low pressure to the risers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from scipy.spatial import cKDTree
from shapely.affinity import translate
from shapely.geometry import LineString, Point

from app.district.buildings import Unit
from app.district.grid import Grid
from app.district.sizes import Size
from app.district.streets import coordinates
from app.district.town import Town
from app.district.trees import Roads, sections, spread, steiner

UNUSABLE_SHARE = 0.07
SHIFT = {"medium": (-7.0, -4.0), "low": (6.0, 5.0)}  # pipes lie beside the street, not on it


@dataclass
class Gas:
    """The finished network and, for each unit with gas, the number of its riser node."""

    grid: Grid
    riser: dict[int, int]


def make_gas(rng: Random, town: Town, roads: Roads, units: list[Unit], size: Size) -> Gas:
    """Everything from the gate stations to the risers; `size.mains_km` of main, rings included."""
    grid = Grid("gas")
    supplied = [n for n, unit in enumerate(units) if town.estates[unit.estate].kind == "estate"]
    near = cKDTree(coordinates(town.streets))
    taps = _taps(units, supplied, near)
    junctions = sorted(taps)
    where = coordinates(town.streets)[junctions]
    zones = spread(where, size.regulators)
    layers = _Layers(grid, roads)
    regulators = []
    for zone in range(size.regulators):
        inside = np.flatnonzero(zones == zone)
        away = ((where[inside] - where[inside].mean(axis=0)) ** 2).sum(axis=1)
        regulators.append((junctions[inside[int(np.argmin(away))]], [junctions[k] for k in inside]))
    gates = _gates(regulators, coordinates(town.streets), size.gate_stations)
    layers.medium(gates, [root for root, _ in regulators], town)
    for root, members in regulators:
        layers.low(root, members)
    layers.rings(rng, size.mains_km * 1000)
    layers.valves(rng, size.valves)
    return Gas(grid, _risers(grid, units, taps, layers))


def _taps(units: list[Unit], supplied: list[int], near: cKDTree) -> dict[int, list[int]]:
    """Street junction → units whose service pipes start there; one tap for each few buildings of an estate."""
    by_estate: dict[int, list[int]] = defaultdict(list)
    for n in supplied:
        by_estate[units[n].estate].append(n)
    taps: dict[int, list[int]] = defaultdict(list)
    for members in by_estate.values():
        points = np.array([units[n].at for n in members])
        labels = spread(points, max(1, min(len(members), round(len(members) / 10))))
        for label in np.unique(labels):
            chunk = np.flatnonzero(labels == label)
            junction = int(near.query(points[chunk].mean(axis=0))[1])
            taps[junction] += [members[k] for k in chunk]
    return taps


def _gates(
    regulators: list[tuple[int, list[int]]], where: np.ndarray[tuple[int, int], np.dtype[np.float64]], count: int
) -> list[int]:
    """Gate stations stand at the outermost regulators' far sides: the junctions farthest apart."""
    roots = np.array([where[root] for root, _ in regulators])
    centre = roots.mean(axis=0)
    chosen: list[int] = []
    for _ in range(count):
        away = [
            min([float(np.hypot(*(spot - where[g]))) for g in chosen] or [float(np.hypot(*(spot - centre)))])
            for spot in where
        ]
        chosen.append(int(np.argmax(away)))
    return chosen


def _risers(grid: Grid, units: list[Unit], taps: dict[int, list[int]], layers: _Layers) -> dict[int, int]:
    risers = {}
    for junction, members in taps.items():
        leaves = []
        for n in members:
            x, y = units[n].at
            leaves.append(grid.node("riser", "RI", Point(x + 3.0, y + 3.0)))
            risers[n] = leaves[-1]
        grid.fan("service_pipe", "GP", layers.nodes["low", junction], leaves, attrs={"pressure": "low"})
    return risers


class _Layers:
    """Medium and low pressure pipes being laid; `nodes[layer, junction]` are the pipe's own junctions."""

    def __init__(self, grid: Grid, roads: Roads) -> None:
        self.grid, self.roads = grid, roads
        self.nodes: dict[tuple[str, int], int] = {}
        self.mains_m = 0.0

    def medium(self, gates: list[int], roots: list[int], town: Town) -> None:
        """From the gates to all regulators, in one tree; a second gate feeds the same tree from its other end."""
        stretches = steiner(self.roads, [*gates, *roots])
        self._lay("medium", stretches, gates[0], {*gates, *roots})
        for number, gate in enumerate(gates):
            at = translate(town.streets.nodes[gate], -20.0, -15.0)
            name = f"{'南北东西'[number % 4]}{'' if number < 4 else number}衡门站"
            station = self.grid.node("gate_station", "GS", at, name=name, attrs={"pressure": "medium"})
            self._pipe("medium", station, self.nodes["medium", gate], LineString([at, self._at("medium", gate)]))

    def low(self, root: int, members: list[int]) -> None:
        """One district: its regulator and the tree of low-pressure mains behind it."""
        at = translate(self.roads.streets.nodes[root], 0.0, 12.0)
        regulator = self.grid.node("regulator", "RG", at, name=f"调压站{self.grid.counts['RG'] + 1}")
        self._pipe("medium", self.nodes["medium", root], regulator, LineString([self._at("medium", root), at]))
        self._pipe("low", regulator, self._node("low", root), LineString([at, self._at("low", root)]))
        self._lay("low", steiner(self.roads, [root, *members]), root, {root, *members})

    def rings(self, rng: Random, wanted_m: float) -> None:
        """Close rings between neighbouring low-pressure junctions until the mains are as long as wanted."""
        laid = {frozenset((link.a, link.b)) for link in self.grid.links}
        edges = [e for e in self.roads.streets.edges if ("low", e.start) in self.nodes and ("low", e.end) in self.nodes]
        for edge in sorted(rng.sample(edges, len(edges)), key=lambda e: e.street_class == "lane"):
            a, b = self.nodes["low", edge.start], self.nodes["low", edge.end]
            if self.mains_m + edge.length_m <= wanted_m and frozenset((a, b)) not in laid:
                self._pipe("low", a, b, translate(edge.line, *SHIFT["low"]))

    def valves(self, rng: Random, count: int) -> None:
        """Valves at the heads of the longest mains, then at their far ends, as many as wanted; 7 % cannot be turned.

        Raises:
            ValueError: the mains have fewer than `count` ends.
        """
        mains = [n for n, link in enumerate(self.grid.links) if link.kind == "main"]
        mains.sort(key=lambda n: (-self.grid.links[n].line.length, n))
        places = [*((n, False) for n in mains), *((n, True) for n in mains)][:count]
        if len(places) < count:
            raise ValueError(f"only {len(mains)} mains to put {count} valves on")
        stuck = set(rng.sample(range(count), round(count * UNUSABLE_SHARE)))
        for rank, (n, at_end) in enumerate(places):
            self._with_valve(n, at_end=at_end, usable=rank not in stuck)

    def _with_valve(self, number: int, *, at_end: bool, usable: bool) -> None:
        main = self.grid.links[number]
        a, b, line = (main.b, main.a, main.line.reverse()) if at_end else (main.a, main.b, main.line)
        self.grid.guarded(("valve", "V"), ("main", "M"), a, b, line, ("gas_junction", "GJ"),
                          device_more={"usable": usable, "is_open": True}, attrs=main.attrs)  # fmt: skip
        self.grid.links[number] = replace(self.grid.links.pop(), code=main.code)  # the rest takes the old one's place

    def _lay(self, layer: str, stretches: list[tuple[int, int]], root: int, keep: set[int]) -> None:
        for run in sections(self.roads, stretches, root, keep):
            a, b = self._node(layer, run.up), self._node(layer, run.down)
            self._pipe(layer, a, b, translate(run.line, *SHIFT[layer]))

    def _pipe(self, layer: str, a: int, b: int, line: LineString) -> None:
        self.mains_m += line.length
        self.grid.link("main", "M", a, b, line, attrs={"pressure": layer})

    def _at(self, layer: str, junction: int) -> Point:
        return translate(self.roads.streets.nodes[junction], *SHIFT[layer])

    def _node(self, layer: str, junction: int) -> int:
        key = (layer, junction)
        if key not in self.nodes:
            self.nodes[key] = self.grid.node("gas_junction", "GJ", self._at(layer, junction))
        return self.nodes[key]
