"""The graph of a branch: read once, read again when its streets change."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.kernel.actor import SYSTEM
from app.kernel.clock import FrozenClock
from app.kernel.unit_of_work import Runtime
from app.streets.models import StreetEdge
from app.streets.rules import Travel
from app.streets.service import CHECK_EVERY, travel_to
from tests.factories import given_branch
from tests.factories_field import at_m, counted_queries, given_street_grid


def test_streets_are_read_once_and_again_when_one_is_closed(
    runtime: Runtime, session: Session, clock: FrozenClock
) -> None:
    branch = given_branch(session)
    edges = given_street_grid(session, branch, side=3)
    places = np.array([at_m(-200, 0).coords[0]])

    def travel() -> Travel:
        with runtime.unit_of_work(SYSTEM) as uow:
            return travel_to(uow, branch_id=branch.id, target=at_m(200, 0), origins=places)

    assert travel().distance_m[0] == pytest.approx(400, abs=2)
    with counted_queries(runtime) as sent:
        assert travel().time_s[0] == pytest.approx(40, abs=1)
    assert sent == []
    clock.tick(seconds=CHECK_EVERY.total_seconds())
    with counted_queries(runtime) as sent:
        travel()
    assert len(sent) == 1
    middle = at_m(0, 0)
    closed = [edge for edge in edges if edge.path.distance(middle) < 1e-5]
    session.execute(update(StreetEdge).where(StreetEdge.id.in_([edge.id for edge in closed])).values(speed_kmh=0.1))
    session.commit()
    clock.tick(seconds=CHECK_EVERY.total_seconds())
    assert travel().distance_m[0] == pytest.approx(800, abs=4)


def test_a_branch_without_streets_is_answered_by_the_straight_line(runtime: Runtime, session: Session) -> None:
    branch = given_branch(session)
    with runtime.unit_of_work(SYSTEM) as uow:
        travel = travel_to(uow, branch_id=branch.id, target=at_m(), origins=np.array([at_m(1000, 0).coords[0]]))
    assert travel.distance_m[0] == pytest.approx(1300, rel=0.01)
    assert travel.estimated.tolist() == [True]
