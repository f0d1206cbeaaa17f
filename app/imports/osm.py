"""Streets from an OpenStreetMap extract (.osm.pbf, .osm, .osm.bz2, .osm.gz), cut where they meet.

Tags are read as https://wiki.openstreetmap.org/wiki/Key:highway, Key:maxspeed and Key:oneway describe them. A street
without a speed limit goes at the speed of its kind, which is an assumption and counted as one in the report. Data of
OpenStreetMap are under the ODbL: who shows them names `CREDIT`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from shapely.geometry import LineString

from app.imports.mapping import BadMapping
from app.imports.reading import CHUNK, RawRow

CREDIT = "© OpenStreetMap contributors (ODbL), openstreetmap.org/copyright"
COLUMNS = ["name", "street_class", "speed_kmh", "oneway"]

# OpenStreetMap's kind of road: our class, and km/h where no limit is known. The speeds are assumed, not measured.
ROADS: Mapping[str, tuple[str, float]] = {
    "motorway": ("trunk", 100.0),
    "motorway_link": ("trunk", 60.0),
    "trunk": ("trunk", 70.0),
    "trunk_link": ("trunk", 50.0),
    "primary": ("primary", 50.0),
    "primary_link": ("primary", 40.0),
    "secondary": ("secondary", 40.0),
    "secondary_link": ("secondary", 35.0),
    "tertiary": ("secondary", 40.0),
    "tertiary_link": ("secondary", 35.0),
    "unclassified": ("residential", 30.0),
    "residential": ("residential", 30.0),
    "living_street": ("lane", 10.0),
    "service": ("lane", 15.0),
    "track": ("lane", 15.0),
}
CLOSED_TO_CARS = ("motor_vehicle", "vehicle", "access")  # the narrowest word counts
MPH_KMH = 1.609344
FORWARDS, BACKWARDS = {"yes", "true", "1"}, {"-1", "reverse"}
Way = tuple[list[int], dict[str, str]]


def osm_chunks(path: Path) -> Iterator[list[RawRow]]:
    """Segments between junctions, `CHUNK` at a time; `row` counts them.

    Two passes over the file: one for which points ways share, one for where they lie. In memory are the points' numbers
    and places, not the file.

    Raises:
        BadMapping: it cannot be read.
    """
    rows = _rows(path)
    try:
        while chunk := list(islice(rows, CHUNK)):
            yield chunk
    except (RuntimeError, OSError) as error:  # osmium's word for every broken file
        raise BadMapping(f"{path.name}: {error}") from error


def _rows(path: Path) -> Iterator[RawRow]:
    shared = _shared_points(path)
    number = 0
    for way in _ways(path, located=True):
        places = [(node.location.lon, node.location.lat) if node.location.valid() else None for node in way.nodes]
        values = tagged({tag.k: tag.v for tag in way.tags})
        for first, last in _cuts([node.ref for node in way.nodes], shared):
            number += 1
            part = [place for place in places[first : last + 1] if place is not None]
            if len(part) < 2:  # cut off at the extract's edge
                continue
            line = LineString(part)
            yield RawRow(number, _told(values), line.reverse() if values["reversed"] else line)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in (*COLUMNS, "speed_source")}


def _shared_points(path: Path) -> set[int]:
    """Points where a street begins, ends or meets another, or itself."""
    seen: Counter[int] = Counter()
    for way in _ways(path, located=False):
        refs = [node.ref for node in way.nodes]
        seen.update(refs)
        seen.update((refs[0], refs[-1]))
    return {ref for ref, times in seen.items() if times > 1}


def _ways(path: Path, *, located: bool) -> Iterator[Any]:
    import osmium  # noqa: PLC0415 — only imports need it, and no web process pays for it

    reading = osmium.FileProcessor(str(path))
    if located:
        reading = reading.with_locations()
    for one in reading.with_filter(osmium.filter.KeyFilter("highway")):
        if isinstance(one, osmium.osm.Way) and len(one.nodes) > 1 and drivable({tag.k: tag.v for tag in one.tags}):
            yield one


def _cuts(refs: list[int], shared: set[int]) -> Iterator[tuple[int, int]]:
    """First and last place of each segment, a ring's both the same."""
    at = [place for place, ref in enumerate(refs) if ref in shared or place in (0, len(refs) - 1)]
    yield from pairwise(at)


def drivable(tags: Mapping[str, str]) -> bool:
    """Whether a crew's vehicle may go there: a street, not an area, not closed, not now one way and now the other."""
    if tags.get("highway") not in ROADS or tags.get("area") == "yes":
        return False
    word = next((tags[key] for key in CLOSED_TO_CARS if key in tags), "yes")
    return word != "no" and tags.get("oneway") not in {"reversible", "alternating"}


def tagged(tags: Mapping[str, str]) -> dict[str, Any]:
    """Our values of a street's tags, whether its line must be turned, and whose word the speed is."""
    street_class, usual = ROADS[tags["highway"]]
    limit = speed_kmh(tags.get("maxspeed", ""))
    oneway = tags.get("oneway", "")
    implied = oneway != "no" and (tags["highway"] == "motorway" or tags.get("junction") in {"roundabout", "circular"})
    return {
        "name": tags.get("name"),
        "street_class": street_class,
        "speed_kmh": usual if limit is None else limit,
        "speed_source": "assumed" if limit is None else "maxspeed",
        "oneway": implied or oneway in FORWARDS | BACKWARDS,
        "reversed": oneway in BACKWARDS,
    }


def speed_kmh(limit: str) -> float | None:
    """km/h of a `maxspeed`; None where it is no number between 1 and 150 km/h ("walk", "CN:urban", "none")."""
    number, _, unit = limit.strip().partition(" ")
    if not number.isascii() or not number.replace(".", "", 1).isdigit() or unit not in {"", "km/h", "mph"}:
        return None
    speed = float(number) * (MPH_KMH if unit == "mph" else 1.0)
    return speed if 1.0 <= speed <= 150.0 else None
