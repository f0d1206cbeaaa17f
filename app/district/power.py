"""The power network: substations, radial 10 kV feeders along streets, ties between them, low voltage to each unit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random

import numpy as np
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from shapely.affinity import translate
from shapely.geometry import LineString, Point

from app.district.buildings import Unit
from app.district.grid import Grid
from app.district.names import words
from app.district.sizes import Size
from app.district.streets import coordinates
from app.district.ties import add_ties
from app.district.town import Town
from app.district.trees import Roads, Section, sections, spread, steiner

OVERHEAD_BEYOND_M = 420.0  # sections this far from any building run overhead


@dataclass(frozen=True)
class Bank:
    """A transformer to be: the units it feeds, the junction it hangs on."""

    units: list[int]
    at: Point
    junction: int
    private: bool
    name: str


@dataclass
class Power:
    """The finished network and, for each unit, the number of its service node."""

    grid: Grid
    service: dict[int, int]


def make_power(rng: Random, town: Town, roads: Roads, units: list[Unit], important: list[int], size: Size) -> Power:
    """Everything from the substations to the service points."""
    banks = _banks(rng, town, units, important, size)
    grid = Grid("power")
    homes = cKDTree([unit.at for unit in units])
    feeders = _feeders(roads, town, banks, size)
    tops = []
    for number, (station, members) in enumerate(feeders):
        tops.append(_Feeder(grid, roads, f"F{number + 1:02d}", station, [banks[m] for m in members], homes))
    _place_stations(grid, tops)
    quota = _quotas([top.runs for top in tops], size.switches - size.feeders - size.ties)
    for top, switched in zip(tops, quota, strict=True):
        top.build(switched)
    add_ties(grid, roads, [(top.code, top.nodes, top.shift) for top in tops], size.ties)
    return Power(grid, _low_voltage(grid, units, tops))


def _banks(rng: Random, town: Town, units: list[Unit], important: list[int], size: Size) -> list[Bank]:
    """Private transformers for important customers and the largest firms, public ones for all other units."""
    near = cKDTree(coordinates(town.streets))
    firms = [n for n, unit in enumerate(units) if town.estates[unit.estate].kind == "industrial_park"]
    private = [*important, *rng.sample(firms, size.private_transformers - len(important))]
    banks = []
    for rank, n in enumerate(private):
        name = words()["important"][rank]["name"] if n in important else f"专变{rank + 1:03d}"
        at = Point(units[n].at[0] + 5.0, units[n].at[1] - 5.0)
        banks.append(Bank([n], at, int(near.query((at.x, at.y))[1]), True, name))
    groups: dict[int, list[int]] = defaultdict(list)
    for n in sorted(set(range(len(units))) - set(private)):
        groups[units[n].estate].append(n)
    for estate, count in zip(groups, _by_size(groups, size.public_transformers), strict=True):
        banks += _public(town, units, groups[estate], count, near, town.estates[estate].name)
    return banks


def _by_size(groups: dict[int, list[int]], total: int) -> list[int]:
    """`total` transformers over the estates: one each, then one more where a transformer carries most."""
    counts = dict.fromkeys(groups, 1)
    for _ in range(total - len(groups)):
        most = max(groups, key=lambda estate: len(groups[estate]) / counts[estate])
        counts[most] += 1
    return [counts[estate] for estate in groups]


def _public(town: Town, units: list[Unit], members: list[int], count: int, near: cKDTree, name: str) -> list[Bank]:
    points = np.array([units[n].at for n in members])
    axis = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0] if len(points) > 1 else [1, 0]
    order = np.argsort(points @ np.asarray(axis), kind="stable")
    banks = []
    for part, chunk in enumerate(np.array_split(order, count), 1):
        centre = points[chunk].mean(axis=0)
        junction = int(near.query(centre)[1])
        street = np.array(town.streets.nodes[junction].coords[0])
        away = centre - street
        at = street + away * min(1.0, 14.0 / max(float(np.hypot(*away)), 1e-6))
        banks.append(Bank([members[k] for k in chunk], Point(at), junction, False, f"{name}{part}号变"))
    return banks


def _feeders(roads: Roads, town: Town, banks: list[Bank], size: Size) -> list[tuple[int, list[int]]]:
    """(substation junction, bank numbers) of each feeder: neighbours along the streets share one."""
    points = np.array([(bank.at.x, bank.at.y) for bank in banks])
    main = [edge.start for edge in town.streets.edges if edge.street_class in ("primary", "secondary")]
    where = coordinates(town.streets)
    labels = spread(points, size.substations)
    per = size.feeders // size.substations
    feeders = []
    for station in range(size.substations):
        members = np.flatnonzero(labels == station)
        centre = points[members].mean(axis=0)
        junction = min(main, key=lambda n: (float(((where[n] - centre) ** 2).sum()), n))
        ordered = _by_street(roads, junction, members, banks)
        feeders += [(junction, [int(n) for n in part]) for part in np.array_split(ordered, per)]
    return feeders


def _by_street(
    roads: Roads, root: int, members: np.ndarray[tuple[int], np.dtype[np.intp]], banks: list[Bank]
) -> list[int]:
    """Bank numbers in the order a walk along the shortest-path tree meets them."""
    _, before, _ = dijkstra(roads.matrix, indices=[root], min_only=True, return_predecessors=True)
    children = defaultdict(list)
    for node, parent in enumerate(before):
        if parent >= 0:
            children[int(parent)].append(node)
    here = roads.streets.nodes[root]
    children[root].sort(key=lambda n: np.arctan2(roads.streets.nodes[n].y - here.y, roads.streets.nodes[n].x - here.x))
    rank: dict[int, int] = {}
    pending = [root]
    while pending:
        node = pending.pop()
        rank[node] = len(rank)
        pending.extend(reversed(children[node]))
    return sorted((int(m) for m in members), key=lambda m: (rank[banks[m].junction], m))


def _quotas(runs: list[list[Section]], total: int) -> list[int]:
    """How many sections of each feeder get a switch: evenly, as far as there are sections."""
    counts = [0] * len(runs)
    while sum(counts) < total:
        before = sum(counts)
        for n, sections_ in enumerate(runs):
            if counts[n] < len(sections_) and sum(counts) < total:
                counts[n] += 1
        if sum(counts) == before:
            raise ValueError("fewer feeder sections than switches to place")
    return counts


def _place_stations(grid: Grid, tops: list[_Feeder]) -> None:
    """One substation node for the feeders that start at the same junction."""
    stations: dict[int, int] = {}
    for top in tops:
        if top.station not in stations:
            at = translate(top.roads.streets.nodes[top.station], 25.0, 25.0)
            name = f"{'东西南北中新海山江城'[len(stations) % 10]}{'' if len(stations) < 10 else len(stations)}衡变电站"
            stations[top.station] = grid.node("substation", "SS", at, name=name, attrs={"kv": "110/10"})
        top.source = stations[top.station]


def _low_voltage(grid: Grid, units: list[Unit], tops: list[_Feeder]) -> dict[int, int]:
    service = {}
    for top in tops:
        for bank, transformer in top.transformers:
            leaves = []
            for n in bank.units:
                leaves.append(grid.node("service_point", "SP", Point(units[n].at), feeder=top.code))
                service[n] = leaves[-1]
            grid.fan("lv_line", "LV", transformer, leaves, feeder=top.code)
    return service


class _Feeder:
    """One feeder on its way from a Steiner tree to nodes and links."""

    def __init__(self, grid: Grid, roads: Roads, code: str, station: int, banks: list[Bank], homes: cKDTree) -> None:
        self.grid, self.roads, self.code, self.station, self.banks, self.homes = (
            grid,
            roads,
            code,
            station,
            banks,
            homes,
        )
        self.source = -1
        number = int(code[1:])
        self.shift = ((number % 5 - 2) * 2.5, (number // 5 % 3 - 1) * 2.5)  # parallel feeders lie beside each other
        keep = {bank.junction for bank in banks}
        self.runs = sections(roads, steiner(roads, [station, *keep]), station, keep)
        self.nodes: dict[int, int] = {}
        self.transformers: list[tuple[Bank, int]] = []

    def build(self, switched: int) -> None:
        """Nodes and links of the feeder; the `switched` sections that split it best get a switch."""
        head = self._junction(self.station)
        self.grid.link("breaker", "CB", self.source, head, feeder=self.code, attrs={"kv": 10})
        chosen = self._best(switched)
        for number, run in enumerate(self.runs):
            line = translate(run.line, *self.shift)
            kind = "overhead_line" if self._is_lonely(line) else "cable"
            a, b = self._junction(run.up), self._junction(run.down)
            if number in chosen:
                self.grid.guarded(
                    ("switch", "SW"), (kind, "L"), a, b, line, ("junction", "J"), device_more={}, feeder=self.code
                )
            else:
                self.grid.link(kind, "L", a, b, line, feeder=self.code)
        for bank in self.banks:
            self._hang(bank)

    def _junction(self, street_node: int) -> int:
        if street_node not in self.nodes:
            at = translate(self.roads.streets.nodes[street_node], *self.shift)
            self.nodes[street_node] = self.grid.node("junction", "J", at, feeder=self.code)
        return self.nodes[street_node]

    def _is_lonely(self, line: LineString) -> bool:
        middle = line.interpolate(0.5, normalized=True)
        return bool(self.homes.query((middle.x, middle.y))[0] > OVERHEAD_BEYOND_M)

    def _best(self, count: int) -> set[int]:
        """Sections whose switch would part the feeder most evenly."""
        below: dict[int, int] = defaultdict(int)
        for bank in self.banks:
            below[bank.junction] += 1
        for run in reversed(self.runs):
            below[run.up] += below[run.down]
        total = len(self.banks)
        order = sorted(
            range(len(self.runs)), key=lambda n: (-min(below[self.runs[n].down], total - below[self.runs[n].down]), n)
        )
        return set(order[:count])

    def _hang(self, bank: Bank) -> None:
        prefix = "TP" if bank.private else "TX"
        kva = 630 if bank.private else (400 if len(bank.units) > 6 else 250)
        node = self.grid.node("transformer", prefix, bank.at, feeder=self.code, name=bank.name, private=bank.private,
                              attrs={"kva": kva, "kv": "10/0.4"})  # fmt: skip
        self.grid.link("cable", "L", self.nodes[bank.junction], node, feeder=self.code, private=bank.private)
        self.transformers.append((bank, node))
