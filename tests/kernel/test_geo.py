"""Positions survive the way to the database and back, and nonsense is told apart by name."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point
from sqlalchemy.orm import Session

from app.identity.models import Branch
from app.kernel.geo import metres_between, must_lie_in, point_from_geojson, to_geojson
from app.kernel.problems import Invalid
from tests.factories import around, given_branch


def test_a_shape_comes_back_from_the_database_to_the_last_bit(session: Session) -> None:
    branch = given_branch(session, centre=(120.123456789012345, 30.1 + 0.2))
    session.expire_all()
    stored = session.get_one(Branch, branch.id).boundary
    assert stored is not None
    assert stored.equals_exact(around((120.123456789012345, 30.1 + 0.2)), 0)


@given(lon=st.floats(-180, 180), lat=st.floats(-90, 90))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_geojson_keeps_every_digit(lon: float, lat: float) -> None:
    point = point_from_geojson({"type": "Point", "coordinates": [lon, lat]})
    assert to_geojson(point) == {"type": "Point", "coordinates": (lon, lat)}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"type": "Point", "coordinates": [30.2, 120.1]}, "swapped"),
        ({"type": "Point", "coordinates": [40512345.0, 3345678.0]}, "not_wgs84"),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, "invalid"),
        ({"type": "Point", "coordinates": ["x", 1]}, "invalid"),
        ({"type": "Point", "coordinates": [120.1]}, "invalid"),
        ({"type": "Point", "coordinates": [float("nan"), 1]}, "invalid"),
        ({"coordinates": [1, 2]}, "invalid"),
        ("POINT(1 2)", "invalid"),
        (None, "invalid"),
    ],
)
def test_what_is_no_position_is_refused_by_name(value: object, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        point_from_geojson(value)
    assert [(error.field, error.reason) for error in caught.value.errors] == [("location", reason)]


def test_a_point_outside_the_branch_is_refused_and_swapped_ones_are_told_so() -> None:
    area = around((45.5, 44.5))
    must_lie_in(area, Point(45.45, 44.55))
    must_lie_in(None, Point(0, 0))
    for point, reason in ((Point(10, 10), "outside_branch"), (Point(44.45, 45.55), "swapped")):
        with pytest.raises(Invalid) as caught:
            must_lie_in(area, point)
        assert caught.value.errors[0].reason == reason


def test_a_degree_of_latitude_is_about_111_km() -> None:
    assert metres_between(Point(120, 30), Point(120, 31)) == pytest.approx(111_195, rel=1e-3)
