"""A utility's own data come in whole or not at all, and every row that cannot come in is named."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import to_wkb
from shapely.geometry import LineString, Point, box
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text

from app.imports import reading
from app.imports.checks import read_shape
from app.imports.command import import_layers
from app.imports.mapping import BadMapping
from app.imports.reading import RawRow
from app.imports.report import Outcome
from app.imports.rows import line_m
from app.kernel.unit_of_work import Runtime

HERE = (120.10, 30.20)
AREA = box(120.0, 30.1, 120.2, 30.3)
Rows = Sequence[tuple[BaseGeometry | None, Mapping[str, Any]]]


def near(east: float, north: float = 0.0) -> Point:
    """A place some thousandths of a degree from the middle of the invented town."""
    return Point(HERE[0] + east / 1000, HERE[1] + north / 1000)


def written(path: Path, layer: str | None, rows: Rows, *, crs: str | None = "EPSG:4326") -> Path:
    """A file in the format its name says."""
    columns = list(rows[0][1])
    shapes = np.array([None if shape is None else to_wkb(shape) for shape, _ in rows], dtype=object)
    fields = [np.array([values[name] for _, values in rows], dtype=object) for name in columns]
    kind = next(shape.geom_type for shape, _ in rows if shape is not None)
    named = {"layer": layer} if path.suffix == ".gpkg" else {}
    pyogrio.raw.write(path, shapes, fields, columns, geometry_type=kind, crs=crs, append=path.exists(), **named)
    return path


NODES: Rows = [
    (near(0), {"code": "SS1", "kind": "substation", "commodity": "power"}),
    (near(1), {"code": "TX1", "kind": "transformer", "commodity": "power"}),
    (near(2), {"code": "SP1", "kind": "service_point", "commodity": "power"}),
]
LINKS: Rows = [
    (
        LineString([near(0), near(1)]),
        {"code": "L1", "kind": "cable", "commodity": "power", "from_node": "SS1", "to_node": "TX1"},
    ),
    (
        LineString([near(1), near(2)]),
        {"code": "L2", "kind": "lv_line", "commodity": "power", "from_node": "TX1", "to_node": "SP1"},
    ),
]
PREMISES: Rows = [(near(2, 0.1), {"code": "P1", "address": "龙衡路1号", "service_node": "SP1"})]
STREETS: Rows = [
    (LineString([near(0), near(1)]), {"name": "一路", "street_class": "primary"}),
    (LineString([near(1), near(2)]), {"name": "二路", "street_class": "lane"}),
]


def town(folder: Path, *, nodes: Rows = NODES, links: Rows = LINKS, premises: Rows = PREMISES,
         streets: Rows = STREETS) -> Path:  # fmt: skip
    """A small town in one GeoPackage."""
    path = folder / "town.gpkg"
    for layer, rows in (
        ("network_nodes", nodes),
        ("network_links", links),
        ("premises", premises),
        ("streets", streets),
    ):
        written(path, layer, rows)
    written(path, "boundary", [(AREA, {"name": "town"})])
    return path


def changed(rows: Rows, number: int, shape: BaseGeometry | None = None, **values: Any) -> Rows:
    """The rows with one of them changed."""
    copy = list(rows)
    old_shape, old = copy[number]
    copy[number] = (shape or old_shape, {**old, **values})
    return copy


def brought(runtime: Runtime, source: Path, **more: Any) -> Outcome:
    return import_layers(runtime, source, branch_code="TOWN", **more)


def stored(runtime: Runtime) -> dict[str, int]:
    with runtime.sessions() as session:
        tables = ("branch", "network_node", "network_link", "premises", "street_node", "street_edge")
        return {table: session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in tables}  # noqa: S608


def refusals(outcome: Outcome) -> list[tuple[int, str, str]]:
    return [(one.row, one.column, one.reason) for one in outcome.refusals]


def test_a_town_comes_in_with_its_branch(runtime: Runtime, tmp_path: Path) -> None:
    outcome = brought(runtime, town(tmp_path))
    assert outcome.kept
    assert outcome.refusals == []
    counts = {"branch": 1, "network_node": 3, "network_link": 2, "premises": 1, "street_node": 3, "street_edge": 2}
    assert stored(runtime) == counts
    with runtime.sessions() as session:
        metres = session.scalar(text("SELECT max(abs(length_m - ST_Length(path))) FROM street_edge"))
        assert metres < 0.5
        assert session.scalar(text("SELECT initials FROM premises")) == "lhl1h"
        assert session.scalar(text("SELECT action FROM audit_entry")) == "data_imported"


def test_a_dry_run_changes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    outcome = brought(runtime, town(tmp_path), dry_run=True)
    assert (outcome.refused, outcome.kept) == (0, False)
    assert set(stored(runtime).values()) == {0}
    assert "nothing was changed" in outcome.summary()


SWAPPED = Point(HERE[1], HERE[0])
BAD: list[tuple[str, dict[str, Rows], tuple[int, str, str]]] = [
    ("swapped coordinates", {"premises": changed(PREMISES, 0, SWAPPED)}, (1, "geometry", "swapped")),
    ("outside the boundary", {"nodes": changed(NODES, 2, Point(121, 31))}, (3, "geometry", "outside_branch")),
    ("metres where degrees were said", {"premises": changed(PREMISES, 0, Point(500000, 3340000))},
     (1, "geometry", "not_wgs84")),
    ("an unknown kind", {"nodes": changed(NODES, 1, kind="trafo")}, (2, "kind", "choice")),
    ("a kind of the other commodity", {"nodes": changed(NODES, 1, kind="riser")}, (2, "kind", "other_commodity")),
    ("a code that comes twice", {"nodes": changed(NODES, 1, code="SS1")}, (2, "code", "duplicate")),
    ("a link that leads nowhere", {"links": changed(LINKS, 1, to_node="SP9")}, (2, "to_node", "not_found")),
    ("a link from a node to itself", {"links": changed(LINKS, 0, to_node="SS1")}, (1, "to_node", "same_node")),
    ("a premises on an unknown node", {"premises": changed(PREMISES, 0, service_node="SP9")},
     (1, "service_node", "not_found")),
    ("no address", {"premises": changed(PREMISES, 0, address=None)}, (1, "address", "required")),
    ("an address without end", {"premises": changed(PREMISES, 0, address="路" * 301)}, (1, "address", "too_long")),
    ("an unknown class of street", {"streets": changed(STREETS, 1, street_class="alley")},
     (2, "street_class", "choice")),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "refusal"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_one_bad_row_is_named_and_nothing_is_kept(
    runtime: Runtime, tmp_path: Path, layers: dict[str, Rows], refusal: tuple[int, str, str]
) -> None:
    outcome = brought(runtime, town(tmp_path, **layers))
    assert refusal in refusals(outcome)
    assert not outcome.kept
    assert set(stored(runtime).values()) == {0}


def test_a_missing_column_is_named_once_and_not_a_row_at_a_time(runtime: Runtime, tmp_path: Path) -> None:
    bare: Rows = [(shape, {"kind": values["kind"], "commodity": "power"}) for shape, values in NODES]
    outcome = brought(runtime, town(tmp_path, nodes=bare))
    assert refusals(outcome)[0] == (0, "code", "missing_column")
    assert set(stored(runtime).values()) == {0}


def test_a_row_without_a_place_and_one_with_a_line_for_a_point_are_refused(runtime: Runtime, tmp_path: Path) -> None:
    feature = {"type": "Feature", "properties": {"code": "A", "address": "一号"}, "geometry": None}
    line = {"type": "LineString", "coordinates": [list(HERE), [120.2, 30.2]]}
    other = {**feature, "properties": {"code": "B", "address": "二号"}, "geometry": line}
    path = tmp_path / "premises.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature, other]}), encoding="utf-8")
    outcome = brought(runtime, path)
    assert refusals(outcome) == [(1, "geometry", "required"), (2, "geometry", "geometry_type")]


def test_a_stray_row_stands_out_even_without_a_boundary(runtime: Runtime, tmp_path: Path) -> None:
    rows: Rows = [
        *((near(n), {"code": f"P{n}", "address": "路"}) for n in range(5)),
        (SWAPPED, {"code": "P9", "address": "路"}),
    ]
    outcome = brought(runtime, written(tmp_path / "premises.geojson", None, rows))
    assert refusals(outcome) == [(6, "geometry", "swapped")]


def test_a_code_that_the_branch_has_already_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    source = town(tmp_path)
    assert brought(runtime, source).kept
    before = stored(runtime)
    again = brought(runtime, source)
    assert (1, "code", "duplicate") in refusals(again)
    assert stored(runtime) == before


def test_rows_of_a_later_chunk_refuse_the_earlier_ones_too(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 2)
    rows: Rows = [(near(n / 10), {"code": f"P{n}", "address": "路"}) for n in range(7)]
    good = brought(runtime, written(tmp_path / "premises.geojson", None, rows), dry_run=True)
    assert (good.accepted["premises"], good.refused) == (7, 0)
    bad = [*rows[:6], (rows[6][0], {"code": "P0", "address": "路"})]
    (tmp_path / "premises.geojson").unlink()
    outcome = brought(runtime, written(tmp_path / "premises.geojson", None, bad))
    assert refusals(outcome) == [(7, "code", "duplicate")]
    assert stored(runtime)["premises"] == 0


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson"])
def test_each_format_brings_the_same_rows(runtime: Runtime, tmp_path: Path, suffix: str) -> None:
    rows: Rows = [(near(n), {"code": f"P{n}", "address": f"龙衡路{n}号"}) for n in range(3)]
    assert brought(runtime, written(tmp_path / f"premises{suffix}", "premises", rows)).kept
    with runtime.sessions() as session:
        found = session.scalars(text("SELECT address FROM premises ORDER BY code")).all()
    assert found == ["龙衡路0号", "龙衡路1号", "龙衡路2号"]


def test_a_csv_has_its_place_in_columns(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "premises.csv"
    path.write_text("code,address,lon,lat\nP1,龙衡路1号,120.1,30.2\nP2,龙衡路2号,120.1001,30.2\n", encoding="utf-8")
    assert brought(runtime, path).kept
    with runtime.sessions() as session:
        assert session.scalar(text("SELECT ST_X(location::geometry) FROM premises WHERE code = 'P1'")) == 120.1


def test_projected_coordinates_land_where_they_belong(runtime: Runtime, tmp_path: Path) -> None:
    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:4547", always_xy=True)  # CGCS2000, zone of 114° E
    place = Point(114.1, 22.6)
    rows: Rows = [(Point(to_metres.transform(place.x, place.y)), {"code": "P1", "address": "路"})]
    assert brought(runtime, written(tmp_path / "premises.gpkg", "premises", rows, crs="EPSG:4547")).kept
    with runtime.sessions() as session:
        away = text("SELECT ST_Distance(location, ST_MakePoint(:x, :y)::geography) FROM premises")
        assert session.scalar(away, {"x": place.x, "y": place.y}) < 2.0  # CGCS2000 and WGS 84 are taken as equal


def test_a_mapping_names_columns_values_and_defaults(runtime: Runtime, tmp_path: Path) -> None:
    written(tmp_path / "assets.gpkg", "points", [(near(1), {"id": "T1", "type": "Trafo"})])
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        '[branch]\nname_zh = "测试"\nname_en = "Test"\n[[layers]]\nholds = "network_nodes"\nfile = "assets.gpkg"\n'
        'layer = "points"\ncolumns = { code = "id", kind = "type" }\nvalues.kind = { Trafo = "transformer" }\n'
        'defaults = { commodity = "power" }\n',
        encoding="utf-8",
    )
    assert brought(runtime, tmp_path, mapping=mapping).kept
    with runtime.sessions() as session:
        assert session.execute(text("SELECT code, kind, commodity FROM network_node")).one() == (
            "T1",
            "transformer",
            "power",
        )
        assert session.scalar(text("SELECT name_zh FROM branch")) == "测试"


@pytest.mark.parametrize(
    "mapping",
    [
        "[[layers]]\nholds = 'houses'\n",
        "[[layers]]\nholds = 'premises'\nfile = 'gone.csv'\n",
        "not toml at all",
        "x = 1\n",
    ],
    ids=["an unknown kind of layer", "a file that is not there", "no TOML", "an unknown key"],
)
def test_a_mapping_that_makes_no_sense_is_refused_before_anything_is_read(
    runtime: Runtime, tmp_path: Path, mapping: str
) -> None:
    (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
    with pytest.raises(BadMapping):
        brought(runtime, tmp_path, mapping=tmp_path / "mapping.toml")


def test_a_source_with_nothing_to_import_and_one_that_is_no_data_say_so(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(BadMapping):
        brought(runtime, tmp_path)
    (tmp_path / "premises.gpkg").write_bytes(b"no database")
    with pytest.raises(BadMapping):
        brought(runtime, tmp_path)


@pytest.mark.parametrize("name", ["report.csv", "report.json"])
def test_the_report_names_row_column_and_reason(runtime: Runtime, tmp_path: Path, name: str) -> None:
    report = tmp_path / name
    brought(runtime, town(tmp_path, nodes=changed(NODES, 1, kind="trafo")), report=report)
    raw = report.read_text(encoding="utf-8")
    lines = json.loads(raw) if name.endswith("json") else list(csv.DictReader(raw.splitlines()))
    assert lines[0] | {"row": int(lines[0]["row"])} == {
        "layer": "town.gpkg:network_nodes", "row": 2, "column": "kind", "reason": "choice", "value": "trafo"
    }  # fmt: skip


@given(x=st.floats(120.01, 120.19), y=st.floats(30.11, 30.29))
def test_a_swapped_place_never_passes_for_a_right_one(x: float, y: float) -> None:
    reasons: list[str] = []
    assert read_shape(RawRow(1, {}, Point(x, y)), Point, AREA, lambda column, reason, value: reasons.append(reason))
    assert (
        read_shape(RawRow(1, {}, Point(y, x)), Point, AREA, lambda column, reason, value: reasons.append(reason))
        is None
    )
    assert reasons == ["swapped"]


@given(st.lists(st.tuples(st.floats(7, 8), st.floats(48, 49)), min_size=2, max_size=6))
def test_a_lines_length_is_never_nothing_and_grows_with_its_parts(places: list[tuple[float, float]]) -> None:
    whole = line_m(LineString(places))
    assert whole >= 0.01
    assert whole >= line_m(LineString(places[:2])) - 0.02
