"""Rows of a layer, a chunk at a time, with their shapes in WGS 84."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyogrio
from pyogrio.raw import read as read_raw
from pyproj import Transformer
from pyproj.exceptions import CRSError
from shapely import force_2d, from_wkb, get_coordinates, transform
from shapely.geometry.base import BaseGeometry

from app.imports.mapping import BadMapping, LayerMap

CHUNK = 10_000
ALREADY = ("EPSG:4326", "OGC:CRS84", "EPSG:4979")
CSV_OPTIONS = {
    "X_POSSIBLE_NAMES": "lon,longitude,x",
    "Y_POSSIBLE_NAMES": "lat,latitude,y",
    "GEOM_POSSIBLE_NAMES": "wkt,geometry",
    "KEEP_GEOM_COLUMNS": "NO",
}


@dataclass(frozen=True)
class RawRow:
    """A row as the file has it. `shape` is None where there is none or it cannot be brought to WGS 84."""

    number: int
    values: dict[str, Any]
    shape: BaseGeometry | None
    untransformable: bool = False


def columns_of(layer: LayerMap) -> list[str]:
    """The names of a layer's columns.

    Raises:
        BadMapping: the file or layer cannot be opened, or nobody knows its coordinate reference system.
    """
    try:
        info = pyogrio.read_info(layer.path, layer=layer.layer, **_options(layer))
        _transformer(layer.crs or info["crs"] or "EPSG:4326")
        return [str(name) for name in info["fields"]]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, CRSError) as error:
        raise BadMapping(f"{layer.label}: {error}") from error


def chunks(layer: LayerMap) -> Iterator[list[RawRow]]:
    """Rows, `CHUNK` at a time; the file is never in memory as a whole."""
    start = 0
    while True:
        meta, _, shapes, fields = read_raw(
            layer.path, layer=layer.layer, skip_features=start, max_features=CHUNK, **_options(layer)
        )
        count = len(shapes) if shapes is not None else len(fields[0]) if fields else 0
        if not count:
            return
        lines = _in_wgs84([None] * count if shapes is None else list(shapes), layer.crs or meta["crs"])
        named = {str(name): column for name, column in zip(meta["fields"], fields, strict=True)}
        yield [
            RawRow(start + n + 1, {name: _plain(column[n]) for name, column in named.items()}, *lines[n])
            for n in range(count)
        ]
        start += count


def _options(layer: LayerMap) -> dict[str, Any]:
    return dict(CSV_OPTIONS) if layer.path.suffix.lower() == ".csv" else {}


def _plain(value: Any) -> Any:
    """Python's own value; None for what files write for nothing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and np.isnan(value):
        return None
    return value.strip() or None if isinstance(value, str) else value


def _in_wgs84(shapes: Sequence[bytes | None], crs: str | None) -> list[tuple[BaseGeometry | None, bool]]:
    """(shape, could not be transformed) of each; a file that names no CRS is taken at its word: degrees."""
    read = force_2d(from_wkb(np.array(shapes, dtype=object)))
    if crs is None or crs in ALREADY:
        return [(shape, False) for shape in read]
    forward = _transformer(crs)
    moved = transform(read, lambda at: np.column_stack(forward.transform(at[:, 0], at[:, 1])))
    return [(None, True) if _is_lost(shape) else (shape, False) for shape in moved]


@lru_cache(maxsize=32)
def _transformer(crs: str) -> Transformer:
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def _is_lost(shape: BaseGeometry | None) -> bool:
    """PROJ answers infinity for a place that its projection does not know."""
    return shape is not None and not np.isfinite(get_coordinates(shape)).all()
