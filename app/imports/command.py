"""The import itself: layer by layer, everything or nothing, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from shapely import box, contains_xy, get_coordinates
from shapely.geometry import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union
from sqlalchemy import text

from app.identity.service.trail import audit
from app.imports import osm, store
from app.imports.checks import COLUMNS, Bad, Known, check_link, check_node, check_premises, read_shape, read_values
from app.imports.mapping import LayerMap, Plan, make_plan
from app.imports.reading import RawRow, chunks, columns_of
from app.imports.report import Outcome
from app.imports.rows import Row, ends_of, link_row, node_row, premises_row, street_row
from app.imports.store import Target
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime, UnitOfWork

STRAY_DEG = 0.5  # about 50 km: without a boundary, rows of one branch lie this near to their middle
SHAPES: dict[str, type[BaseGeometry]] = {"network_nodes": Point, "network_links": LineString, "premises": Point,
                                         "streets": LineString}  # fmt: skip
TABLES = {"network_nodes": "network_node", "network_links": "network_link", "premises": "premises"}


class _NotKept(Exception):
    """Leaves the unit of work without committing it."""


def import_layers(
    runtime: Runtime, source: Path, *, branch_code: str, mapping: Path | None = None, dry_run: bool = False,
    report: Path | None = None,
) -> Outcome:  # fmt: skip
    """Check every row of `source` and, unless one is refused or it is a dry run, keep them all.

    Raises:
        BadMapping: the mapping, the source or one of its layers cannot be read at all.
    """
    plan = make_plan(source, mapping)
    outcome = Outcome()
    try:
        with runtime.unit_of_work(SYSTEM) as uow:
            # Reading a large file takes longer than a forgotten transaction may idle.
            uow.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            target = store.find_branch(uow.session, branch_code, uow.new_id())
            Import(uow, plan, outcome, target, target.area).run(branch_code)
            if dry_run or outcome.refused:
                raise _NotKept
            outcome.kept = True
    except _NotKept:
        outcome.kept = False
    if report is not None:
        outcome.write(report)
    return outcome


@dataclass
class Import:
    """One run; state shared by its layers."""

    uow: UnitOfWork
    plan: Plan
    outcome: Outcome
    target: Target
    area: BaseGeometry | None
    known: Known = field(default_factory=Known)
    junctions: dict[tuple[float, float], int] = field(default_factory=dict)
    street_id: int = 0
    edges: int = 0

    def run(self, branch_code: str) -> None:
        """All layers of the plan, in loading order."""
        session = self.uow.session
        if self.target.is_new:
            store.make_branch(self.uow, self.target, branch_code, self.plan.branch)
        self.known = store.known_of(session, self.target.id)
        self.street_id = store.next_street_id(session)
        for layer in self.plan.layers:
            if self._has_columns(layer):
                self._layer(layer)
        if not self.outcome.refused:
            self._finish()

    def _has_columns(self, layer: LayerMap) -> bool:
        """Refuse the whole layer, once a column, rather than each of its rows."""
        present = set(osm.COLUMNS if layer.is_osm else columns_of(layer))
        missing = [
            column.name
            for column in COLUMNS[layer.holds]
            if column.needed
            and layer.columns.get(column.name, column.name) not in present
            and column.name not in layer.defaults
        ]
        for ours, theirs in layer.columns.items():
            if theirs not in present:
                missing.append(f"{ours} ({theirs})")
        for name in missing:
            self.outcome.refuse(layer.label, 0, name, "missing_column")
        return not missing

    def _layer(self, layer: LayerMap) -> None:
        for raw_rows in map(self._within, osm.osm_chunks(layer.path)) if layer.is_osm else chunks(layer):
            if layer.holds == "boundary":
                self._boundary(layer, raw_rows)
                continue
            if self.area is None and not layer.is_osm:
                self.area = _neighbourhood(raw_rows)
            rows = [row for raw in raw_rows if (row := self._row(layer, raw)) is not None]
            self.outcome.accepted[layer.holds] += len(rows)
            if not self.outcome.refused:  # after the first refusal rows are only checked
                self._keep(layer, rows)

    def _within(self, raw_rows: list[RawRow]) -> list[RawRow]:
        """Of an extract, which is wider than any branch, what lies in the branch's area; whose word the speeds are."""
        inside = raw_rows
        if self.area is not None:
            ends = np.array([get_coordinates(row.shape)[[0, -1]] for row in raw_rows])
            held = np.flatnonzero(np.all(contains_xy(self.area, ends[..., 0], ends[..., 1]), axis=1))
            inside = [raw_rows[place] for place in held.tolist()]
        self.outcome.notes.update({"street segments outside the branch, left out": len(raw_rows) - len(inside)})
        self.outcome.notes.update(f"speeds: {row.values['speed_source']}" for row in inside)
        return inside

    def _row(self, layer: LayerMap, raw: RawRow) -> Row | None:
        before = self.outcome.refused
        bad = partial(self.outcome.refuse, layer.label, raw.number)
        values = read_values(COLUMNS[layer.holds], _theirs(layer, raw.values), bad)
        shape = read_shape(raw, SHAPES[layer.holds], self.area, bad)
        own = self.uow.new_id()
        if layer.holds == "network_nodes":
            check_node(values, self.known, own, bad)
        elif layer.holds == "network_links":
            check_link(values, self.known, bad)
        elif layer.holds == "premises":
            check_premises(values, self.known, bad)
        if shape is None or self.outcome.refused > before:
            return None
        return self._made(layer.holds, own, values, shape, bad)

    def _made(self, holds: str, own: Any, values: Row, shape: BaseGeometry, bad: Bad) -> Row | None:
        branch_id = self.target.id
        if holds == "network_nodes":
            return node_row(branch_id, own, values, shape)
        if holds == "network_links":
            return link_row(branch_id, own, values, shape, self.known)
        if holds == "premises":
            return premises_row(branch_id, own, values, shape, self.known)
        if shape.length == 0:
            bad("geometry", "no_length", "")
            return None
        return {"ends": ends_of(shape), "values": values, "shape": shape}

    def _keep(self, layer: LayerMap, rows: list[Row]) -> None:
        if layer.holds == "streets":
            self._keep_streets(rows)
        else:
            store.copy_rows(self.uow.session, TABLES[layer.holds], rows)

    def _keep_streets(self, rows: list[Row]) -> None:
        """Junctions where ends meet, then the segments between them."""
        branch_id = self.target.id
        nodes, edges = [], []
        for row in rows:
            for place in row["ends"]:
                if place not in self.junctions:
                    self.junctions[place] = self.street_id + len(self.junctions)
                    nodes.append({"id": self.junctions[place], "branch_id": branch_id, "location": Point(place)})
        for row in rows:
            start, end = (self.junctions[place] for place in row["ends"])
            edges.append(street_row(branch_id, self.street_id + self.edges, (start, end), row["values"], row["shape"]))
            self.edges += 1
        store.copy_rows(self.uow.session, "street_node", nodes)
        store.copy_rows(self.uow.session, "street_edge", edges)

    def _boundary(self, layer: LayerMap, raw_rows: list[RawRow]) -> None:
        """A new branch lies within the union of these polygons; an existing one keeps its boundary."""
        parts = []
        for raw in raw_rows:
            if isinstance(raw.shape, Polygon | MultiPolygon) and raw.shape.is_valid:
                parts.append(raw.shape)
            else:
                self.outcome.refuse(layer.label, raw.number, "geometry", "geometry_type")
        if self.target.is_new and parts:
            area = _multi(unary_union(parts))
            store.set_boundary(self.uow.session, self.target.id, area)
            self.area = area
            self.outcome.accepted["boundary"] += len(parts)

    def _finish(self) -> None:
        if self.target.is_new and "boundary" not in self.outcome.accepted:
            area = store.hull(self.uow.session, self.target.id)
            if area is not None:
                store.set_boundary(self.uow.session, self.target.id, area)
        if any(layer.is_osm for layer in self.plan.layers):
            store.set_credit(self.uow.session, self.target.id, osm.CREDIT)
        store.finish(self.uow.session)
        audit(
            self.uow, "data_imported", "branch", self.target.id, dict(self.outcome.accepted), branch_id=self.target.id
        )


def _theirs(layer: LayerMap, values: Row) -> Row:
    """The row under our column names, with values translated and defaults filled in."""
    found: Row = dict(layer.defaults)
    for column in COLUMNS[layer.holds]:
        value = values.get(layer.columns.get(column.name, column.name))
        if value is not None:
            found[column.name] = layer.values.get(column.name, {}).get(str(value), value)
    return found


def _neighbourhood(rows: list[RawRow]) -> BaseGeometry | None:
    """Without a boundary: round the middle of the first rows, so that swapped and stray places still stand out."""
    bounds = np.array([row.shape.bounds for row in rows if row.shape is not None and not row.shape.is_empty])
    if not len(bounds):
        return None
    x, y = np.median(bounds[:, 0]), np.median(bounds[:, 1])
    return Polygon(box(x - STRAY_DEG, y - STRAY_DEG, x + STRAY_DEG, y + STRAY_DEG))


def _multi(shape: BaseGeometry) -> MultiPolygon:
    return shape if isinstance(shape, MultiPolygon) else MultiPolygon([p for p in [shape] if isinstance(p, Polygon)])
