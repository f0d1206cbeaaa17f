"""Which layer and column means what: the convention, or a small TOML or JSON file.

    [branch]                              # for a branch that does not exist yet
    name_zh = "舒特瓦尔德"
    name_en = "Schutterwald"
    timezone = "Europe/Berlin"

    [[layers]]
    holds = "network_nodes"               # boundary, network_nodes, network_links, premises, streets
    file = "gas.gpkg"                     # beside the mapping's source; may be left out for a single file
    layer = "junctions"                   # may be left out where the file has one
    crs = "EPSG:31467"                    # only where the file does not say
    columns = { code = "name" }           # ours = theirs
    values.kind = { sink = "riser" }      # theirs → ours, a column
    defaults = { commodity = "gas" }      # where the file has no such column or no value

Several entries may hold the same thing: power and gas need not share a layer.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyogrio

KINDS = ("boundary", "network_nodes", "network_links", "premises", "streets")  # in the order they are loaded
SUFFIXES = frozenset({".gpkg", ".shp", ".geojson", ".json", ".csv"})
OSM_ENDINGS = (".pbf", ".osm", ".osm.bz2", ".osm.gz")


class BadMapping(Exception):
    """The mapping or the source cannot be read; the message says which part of it."""


@dataclass(frozen=True)
class LayerMap:
    """One layer of one file and how to read it."""

    holds: str
    path: Path
    layer: str | None = None
    crs: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def is_osm(self) -> bool:
        """Whether it is an extract of OpenStreetMap, which brings its own columns."""
        return self.path.name.lower().endswith(OSM_ENDINGS)

    @property
    def label(self) -> str:
        """How reports name the layer."""
        return f"{self.path.name}:{self.layer}" if self.layer else self.path.name


@dataclass(frozen=True)
class NewBranch:
    """What a branch is called when the import makes it."""

    name_zh: str
    name_en: str
    timezone: str = "Asia/Shanghai"


@dataclass(frozen=True)
class Plan:
    """Layers in loading order, and the branch's names where they are given."""

    layers: list[LayerMap]
    branch: NewBranch | None = None


def make_plan(source: Path, mapping: Path | None) -> Plan:
    """Read the mapping, or find layers by the convention.

    Raises:
        BadMapping: it cannot be read, names something unknown, or nothing to import was found.
    """
    document = _read(mapping) if mapping else {}
    _refuse_unknown("mapping", document, {"branch", "layers"})
    layers = [_layer(source, entry) for entry in document["layers"]] if "layers" in document else _found(source)
    if not layers:
        raise BadMapping(f"{source.name}: no layer is named {', '.join(KINDS)}")
    return Plan(sorted(layers, key=lambda one: KINDS.index(one.holds)), _branch(document.get("branch")))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        read: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise BadMapping(f"{path.name}: {error}") from error
    if not isinstance(read, dict):
        raise BadMapping(f"{path.name}: must be a table")
    return read


def _branch(entry: dict[str, Any] | None) -> NewBranch | None:
    if entry is None:
        return None
    _refuse_unknown("branch", entry, {"name_zh", "name_en", "timezone"})
    try:
        return NewBranch(**entry)
    except TypeError as error:
        raise BadMapping(f"branch: {error}") from error


def _layer(source: Path, entry: dict[str, Any]) -> LayerMap:
    _refuse_unknown("layers", entry, {"holds", "file", "layer", "crs", "columns", "values", "defaults"})
    if entry.get("holds") not in KINDS:
        raise BadMapping(f"layers: holds must be one of {', '.join(KINDS)}")
    path = source / entry["file"] if "file" in entry and source.is_dir() else source
    if not path.is_file():
        raise BadMapping(f"layers: no file {path.name}")
    return LayerMap(**{name: value for name, value in entry.items() if name != "file"}, path=path)


def _refuse_unknown(where: str, entry: dict[str, Any], known: set[str]) -> None:
    if strange := sorted(set(entry) - known):
        raise BadMapping(f"{where}: unknown {', '.join(strange)}")


def _found(source: Path) -> list[LayerMap]:
    """Layers and files named after what they hold."""
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    extracts = [LayerMap("streets", path) for path in files if path.name.lower().endswith(OSM_ENDINGS)]
    return extracts + [one for path in files if path.suffix.lower() in SUFFIXES for one in _in_file(path)]


def _in_file(path: Path) -> list[LayerMap]:
    if path.suffix.lower() != ".gpkg":
        return [LayerMap(path.stem, path)] if path.stem in KINDS else []
    try:
        names = [str(name) for name, _ in pyogrio.list_layers(path)]
    except pyogrio.errors.DataSourceError as error:
        raise BadMapping(f"{path.name}: {error}") from error
    return [LayerMap(name, path, name) for name in names if name in KINDS]
