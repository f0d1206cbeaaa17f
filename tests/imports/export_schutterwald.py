"""Makes fixtures/towns/schutterwald from the example networks of pandapower and pandapipes. Run once, by hand.

    python -m venv /tmp/v && /tmp/v/bin/pip install pandapower==3.3.3 pandapipes==0.16.0 pyogrio pyproj shapely
    /tmp/v/bin/python tests/imports/export_schutterwald.py

Sources: `pandapower.networks.mv_oberrhein`, `pandapower.networks.lv_schutterwald` (BSD-3-Clause, University of
Kassel and Fraunhofer IEE) and `pandapipes.networks.schutterwald_gas` (BSD-3-Clause, the same). The Schutterwald
networks are described in D. Lohmeier, D. Cronbach, S. R. Drauz, M. Braun, T. M. Kneiske, "Pandapipes: An Open-Source
Piping Grid Calculation Package", Sustainability 12 (2020) 9899, and A. Kisse et al., Energies 13 (2020) 4052.

What this adds to the data, because they do not have it: feeder codes (from the topology), the joint between the two
power networks (transformers are named after the medium-voltage bus), addresses (there are none: a premises is named by
its OpenStreetMap way id), the nearest gas sink of each household, and streets, which are derived from the routes of
low-voltage cables other than house connections. Nothing is invented beyond that: the gas data have no valves, so there
are none.
"""

from __future__ import annotations

import json
import warnings
from collections import defaultdict, deque
from pathlib import Path

import numpy as np
import pandapipes.networks
import pandapower.networks
import pyogrio.raw
from pyproj import Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import get_coordinates, line_merge, make_valid, set_precision, to_wkb, transform, unary_union
from shapely.geometry import LineString, MultiPoint, Point, shape
from shapely.ops import substring

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "towns" / "schutterwald"
GAS_CRS, METRES = "EPSG:31467", "EPSG:25832"
SWITCH_M = 2.0
TO_METRES = Transformer.from_crs("EPSG:4326", METRES, always_xy=True)
TO_DEGREES = Transformer.from_crs(METRES, "EPSG:4326", always_xy=True)
FROM_GAS = Transformer.from_crs(GAS_CRS, METRES, always_xy=True)


def moved(geometry, transformer):
    return transform(geometry, lambda at: np.column_stack(transformer.transform(at[:, 0], at[:, 1])))


def geo(text):
    return moved(shape(json.loads(text)), TO_METRES)


class Layer:
    """Rows on their way to a GeoPackage layer."""

    def __init__(self, *columns):
        self.columns, self.rows, self.shapes = columns, [], []

    def add(self, geometry, *values):
        self.rows.append(values)
        self.shapes.append(geometry)

    def write(self, path, layer, kind, crs="EPSG:4326"):
        shapes = self.shapes if crs != "EPSG:4326" else [moved(one, TO_DEGREES) for one in self.shapes]
        if crs == "EPSG:4326":
            shapes = [set_precision(one, 1e-7) for one in shapes]
        fields = [np.array(column, dtype=object) for column in zip(*self.rows, strict=True)] if self.columns else []
        pyogrio.raw.write(
            path,
            np.array([to_wkb(one) for one in shapes], dtype=object),
            fields,
            list(self.columns),
            layer=layer,
            driver="GPKG",
            geometry_type=kind,
            crs=crs,
            append=path.exists(),
            layer_options={"SPATIAL_INDEX": "NO"},
        )


def facing(path, start):
    """The line with the end nearer to `start` first."""
    first, last = (Point(path.coords[k]).distance(start) for k in (0, -1))
    return path if first <= last else path.reverse()


class Power:
    """Both voltage levels, joined: nodes and links as they will be written, places and topology on the way."""

    def __init__(self):
        self.nodes = Layer("name", "kind", "feeder")
        self.links = Layer("name", "kind", "a", "b", "state", "feeder")
        self.places, self.ends = {}, []

    def node(self, code, kind, at):
        self.places[code] = at
        self.nodes.add(at, code, kind, None)

    def link(self, code, kind, a, b, line, *, closed=True):
        self.ends.append((a, b, closed))
        self.links.add(line, code, kind, a, b, "closed" if closed else "open", None)

    def straight(self, code, kind, a, b):
        self.link(code, kind, a, b, LineString([self.places[a], self.places[b]]))

    def line(self, net, prefix, number, row, kind):
        """A line between two buses; each switch at its ends becomes a link of its own."""
        start, end = f"{prefix}{row.from_bus}", f"{prefix}{row.to_bus}"
        path = self._from(start, end, geo(row.geo))
        cut = min(SWITCH_M, path.length / 4)
        low, high = 0.0, path.length
        at_ends = net.switch[(net.switch.et == "l") & (net.switch.element == number)]
        for k, one in enumerate(at_ends.itertuples()):
            first = one.bus == row.from_bus
            joint = f"{prefix}{number}{'a' if first else 'b'}{k}"
            self.node(joint, "junction", path.interpolate(cut if first else path.length - cut))
            piece = substring(path, 0, cut) if first else substring(path, path.length - cut, path.length)
            a, b = (start, joint) if first else (joint, end)
            self.link(f"S{joint}", "switch" if one.closed else "tie_switch", a, b, piece, closed=bool(one.closed))
            start, low = (joint, cut) if first else (start, low)
            end, high = (end, high) if first else (joint, path.length - cut)
        self.link(f"{prefix}L{number}", kind, start, end, substring(path, low, high))

    def _from(self, start, end, path):
        """The path from one bus to the other, whichever way round the file has it."""
        first, last = (Point(path.coords[k]).distance(self.places[start]) for k in (0, -1))
        path = path.reverse() if last < first else path
        return LineString([self.places[start].coords[0], *path.coords[1:-1], self.places[end].coords[0]])

    def medium_voltage(self, net):
        high, low = set(net.trafo.hv_bus), set(net.trafo.lv_bus)
        for number, row in net.bus.iterrows():
            if number not in high:
                self.node(f"M{number}", "substation" if number in low else "junction", geo(row.geo))
        for number, row in net.line.iterrows():
            self.line(net, "M", number, row, "cable")

    def low_voltage(self, net):
        high, low, homes = set(net.trafo.hv_bus), set(net.trafo.lv_bus), set(net.load.bus)
        for number, row in net.bus.iterrows():
            if number not in high:
                kind = "transformer" if number in low else "service_point" if number in homes else "junction"
                self.node(f"N{number}", kind, geo(row.geo))
        for number, row in net.line.iterrows():
            self.line(net, "N", number, row, "lv_line")

    def join(self, mv, lv):
        """Transformers are named after the medium-voltage bus they hang on; the one that is not, on the nearest."""
        buses = [code for code in self.places if code.startswith("M") and code[1:].isdigit()]
        near = cKDTree([self.places[code].coords[0] for code in buses])
        stations = set(mv.load.bus)
        for row in lv.trafo.itertuples():
            bus, own = f"M{row.name.removeprefix('T_idx_')}", f"N{row.lv_bus}"
            bus = bus if bus in self.places else buses[int(near.query(self.places[own].coords[0])[1])]
            self.straight(f"MT{row.lv_bus}", "cable", bus, own)
            stations.discard(int(bus[1:]))
        for bus in sorted(stations):  # stations elsewhere on the medium-voltage network
            at = self.places[f"M{bus}"]
            self.node(f"T{bus}", "transformer", Point(at.x + 3, at.y + 3))
            self.straight(f"MT{bus}", "cable", f"M{bus}", f"T{bus}")

    def name_feeders(self, sources):
        """A feeder a line that leaves a substation's busbar; what hangs on it takes its name."""
        beside = defaultdict(list)
        for a, b, closed in self.ends:
            if closed:
                beside[a].append(b)
                beside[b].append(a)
        feeder = dict.fromkeys(sources)
        firsts = [first for source in sources for first in beside[source]]
        for number, first in enumerate(firsts, 1):
            pending = deque([first])
            while pending:
                at = pending.popleft()
                if at not in feeder:
                    feeder[at] = f"F{number:02d}"
                    pending.extend(beside[at])
        self.nodes.rows = [(code, kind, feeder.get(code)) for code, kind, _ in self.nodes.rows]
        self.links.rows = [
            (code, kind, a, b, state, None if state == "open" else feeder.get(b) or feeder.get(a))
            for code, kind, a, b, state, _ in self.links.rows
        ]


def power(mv, lv):
    """(nodes, links, service code and place of each household by its way)."""
    town = Power()
    town.medium_voltage(mv)
    town.low_voltage(lv)
    town.join(mv, lv)
    town.name_feeders([f"M{bus}" for bus in mv.trafo.lv_bus])
    homes = {row.name.removeprefix("HH_"): f"N{row.bus}" for row in lv.load.itertuples()}
    return town.nodes, town.links, {way: (code, town.places[code]) for way, code in homes.items()}


def gas():
    """(nodes, links, riser code and place of each sink) in the file's own projection."""
    net = pandapipes.networks.schutterwald_gas()
    places = {n: Point(row.x, row.y) for n, row in net.junction_geodata.iterrows()}
    sinks, gates = set(net.sink.junction), set(net.ext_grid.junction)
    nodes, links = Layer("name", "kind"), Layer("name", "kind", "a", "b", "diameter_mm")
    for n, at in places.items():
        nodes.add(at, f"G{n}", "gate_station" if n in gates else "sink" if n in sinks else "node")
    for n, pipe in net.pipe.iterrows():
        a, b = int(pipe.from_junction), int(pipe.to_junction)
        kind = "service_pipe" if {a, b} & sinks else "main"
        links.add(LineString([places[a], places[b]]), f"P{n}", kind, f"G{a}", f"G{b}", float(pipe.inner_diameter_mm))
    return nodes, links, {f"G{n}": moved(places[n], FROM_GAS) for n in sorted(sinks)}


def streets(lv):
    """Routes of low-voltage cables that end at no household, noded, joined where gaps are short."""
    homes = set(lv.load.bus)
    routes = [geo(row.geo) for row in lv.line.itertuples() if row.from_bus not in homes and row.to_bus not in homes]
    noded = line_merge(unary_union(routes, grid_size=2.5))
    lines = list(getattr(noded, "geoms", [noded]))
    while (bridge := shortest_gap(lines)) is not None:
        lines = list(line_merge(unary_union([*lines, bridge], grid_size=0.5)).geoms)
    return largest(lines)


def pieces(lines):
    """Which connected piece each line belongs to."""
    at = {}
    numbers = [[at.setdefault(tuple(np.round(line.coords[k], 2)), len(at)) for k in (0, -1)] for line in lines]
    a, b = np.array(numbers).T
    _, label = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(at), len(at))), directed=False)
    return label[a]


def shortest_gap(lines, limit_m=120.0):
    """The shortest link between the largest piece and another, or None."""
    label = pieces(lines)
    main = np.bincount(label).argmax()
    inside = np.vstack([get_coordinates(line) for line, piece in zip(lines, label, strict=True) if piece == main])
    others = [get_coordinates(line) for line, piece in zip(lines, label, strict=True) if piece != main]
    if not others:
        return None
    outside = np.vstack(others)
    away, nearest = cKDTree(inside).query(outside)
    best = int(np.argmin(away))
    return LineString([outside[best], inside[nearest[best]]]) if away[best] <= limit_m else None


def largest(lines):
    label = pieces(lines)
    return [line for line, piece in zip(lines, label, strict=True) if piece == np.bincount(label).argmax()]


def main():
    warnings.simplefilter("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.gpkg"):
        old.unlink()
    lv = pandapower.networks.lv_schutterwald()
    nodes, links, homes = power(pandapower.networks.mv_oberrhein(), lv)
    nodes.write(OUT / "power.gpkg", "nodes", "Point")
    links.write(OUT / "power.gpkg", "links", "LineString")
    gas_nodes, gas_links, sinks = gas()
    gas_nodes.write(OUT / "gas.gpkg", "junctions", "Point", GAS_CRS)
    gas_links.write(OUT / "gas.gpkg", "pipes", "LineString", GAS_CRS)
    near, codes = cKDTree([at.coords[0] for at in sinks.values()]), list(sinks)
    premises, away = Layer("way", "label", "power", "gas"), []
    for way, (code, at) in homes.items():
        metres, nearest = near.query(at.coords[0])
        away.append(metres)
        premises.add(
            at, way, f"Schutterwald, building {way} (OpenStreetMap)", code, codes[nearest] if metres < 60 else None
        )
    premises.write(OUT / "town.gpkg", "premises", "Point")
    roads = Layer("street_class")
    for line in streets(lv):
        roads.add(line, "residential")
    roads.write(OUT / "town.gpkg", "streets", "LineString")
    boundary = Layer("name")
    everything = [at for layer in (nodes, premises) for one in layer.shapes for at in get_coordinates(one)]
    boundary.add(make_valid(MultiPoint(everything).convex_hull.buffer(500)), "Schutterwald and its feeders")
    boundary.write(OUT / "town.gpkg", "boundary", "Polygon")


if __name__ == "__main__":
    main()
