"""Streets of an OpenStreetMap extract: cut where they meet, one way where they are, at speeds whose source is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pytest
from shapely.geometry import MultiPolygon, box
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.identity.models import Branch
from app.imports.command import import_layers
from app.imports.mapping import BadMapping
from app.imports.osm import CREDIT, drivable, speed_kmh, tagged
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime
from app.streets.service import matrix
from tests.factories import given_branch

# Invented: a cross of streets, a roundabout's half, a footway, a bridge without a junction, and a street far away.
POINTS = {1: (120.100, 30.200), 2: (120.102, 30.200), 3: (120.104, 30.200), 4: (120.102, 30.202), 5: (120.102, 30.198),
          6: (120.103, 30.199), 7: (120.103, 30.201), 8: (125.0, 35.0), 9: (125.1, 35.0)}  # fmt: skip
WAYS: list[tuple[list[int], dict[str, str]]] = [
    ([1, 2, 3], {"highway": "primary", "name": "一路", "maxspeed": "60"}),
    ([4, 2, 5], {"highway": "residential", "oneway": "-1"}),
    ([1, 4], {"highway": "footway"}),
    ([6, 7], {"highway": "tertiary", "bridge": "yes", "maxspeed": "30 mph"}),
    ([8, 9], {"highway": "trunk"}),
]


def extract(path: Path) -> Path:
    """The invented map in the format its name says."""
    with osmium.SimpleWriter(str(path)) as out:
        for ref, place in POINTS.items():
            out.add_node(osmium.osm.mutable.Node(id=ref, location=place))
        for number, (refs, tags) in enumerate(WAYS, start=1):
            out.add_way(osmium.osm.mutable.Way(id=number, nodes=refs, tags=tags))
    return path


@pytest.fixture
def branch(session: Session) -> Branch:
    branch = given_branch(session, "OSMTOWN")
    branch.boundary = MultiPolygon([box(120.0, 30.1, 120.2, 30.3)])
    session.commit()
    return branch


@pytest.mark.usefixtures("branch")
@pytest.mark.parametrize("name", ["town.osm.pbf", "town.osm"])
def test_streets_come_in_cut_where_they_meet_and_a_dry_run_changes_nothing(
    runtime: Runtime, tmp_path: Path, name: str
) -> None:
    source = extract(tmp_path / name)
    tried = import_layers(runtime, source, branch_code="OSMTOWN", dry_run=True)
    assert not tried.kept
    with runtime.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM street_edge")) == 0
        assert session.scalar(text("SELECT map_credit FROM branch")) is None
    outcome = import_layers(runtime, source, branch_code="OSMTOWN")
    assert outcome.refusals == []
    assert outcome.accepted["streets"] == 5
    assert outcome.notes == {"street segments outside the branch, left out": 1, "speeds: maxspeed": 3,
                             "speeds: assumed": 2}  # fmt: skip
    with runtime.sessions() as session:
        kept = session.execute(text("SELECT name, street_class, speed_kmh, oneway FROM street_edge ORDER BY id")).all()
        assert session.scalar(text("SELECT map_credit FROM branch")) == CREDIT
        assert session.scalar(text("SELECT count(*) FROM street_node")) == 7
    assert kept[0] == ("一路", "primary", 60.0, False)
    assert [row[1:] for row in kept[2:4]] == [("residential", 30.0, True)] * 2
    assert kept[4][1:] == ("secondary", pytest.approx(48.28, abs=0.01), False)


def test_one_ways_are_driven_as_they_point_and_bridges_are_no_junctions(
    runtime: Runtime, branch: Branch, tmp_path: Path
) -> None:
    import_layers(runtime, extract(tmp_path / "town.pbf"), branch_code="OSMTOWN")
    places = np.array([POINTS[ref] for ref in (1, 4, 5, 7)])
    with runtime.unit_of_work(SYSTEM) as uow:
        travel = matrix(uow, branch_id=branch.id, sources=places, targets=places)
    west, north, south, bridge = range(4)
    assert not travel.estimated[south, north], "drawn from north to south, driven against the line"
    assert travel.estimated[north, south]
    assert not travel.estimated[west, north]
    assert travel.estimated[west, bridge]


@pytest.mark.usefixtures("branch")
def test_a_broken_extract_is_named(runtime: Runtime, tmp_path: Path) -> None:
    broken = tmp_path / "town.osm.pbf"
    broken.write_bytes(b"\x00\x00\x00\x0dno extract of anything")
    with pytest.raises(BadMapping, match=r"town\.osm\.pbf"):
        import_layers(runtime, broken, branch_code="OSMTOWN")


@pytest.mark.parametrize(
    ("limit", "speed"),
    [("50", 50.0), ("50 km/h", 50.0), ("30 mph", 48.28032), ("walk", None), ("CN:urban", None), ("none", None),
     ("", None), ("0", None), ("50;30", None), ("٥٠", None)],
)  # fmt: skip
def test_a_limit_is_taken_only_where_it_is_a_speed(limit: str, speed: float | None) -> None:
    assert speed_kmh(limit) == speed


@pytest.mark.parametrize(
    ("tags", "goes"),
    [({"highway": "residential"}, True), ({"highway": "steps"}, False), ({"highway": "service", "access": "no"}, False),
     ({"highway": "service", "access": "no", "motor_vehicle": "permit"}, True),
     ({"highway": "residential", "area": "yes"}, False), ({"highway": "primary", "oneway": "reversible"}, False)],
)  # fmt: skip
def test_only_streets_that_a_vehicle_may_use_come_in(tags: dict[str, str], goes: bool) -> None:
    assert drivable(tags) is goes


def test_motorways_and_roundabouts_are_one_way_unless_they_say_otherwise() -> None:
    def oneway(**tags: Any) -> tuple[bool, bool]:
        values = tagged(tags)
        return values["oneway"], values["reversed"]

    assert oneway(highway="motorway") == oneway(highway="primary", junction="roundabout") == (True, False)
    assert oneway(highway="motorway", oneway="no") == oneway(highway="primary") == (False, False)
    assert oneway(highway="primary", oneway="-1") == (True, True)
