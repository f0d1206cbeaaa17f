"""The order made with arrays is the order of the rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.dispatch.models import AlertKind
from app.dispatch.ranking import Roster
from app.dispatch.rules import GRADES, Trip, judge, ranked
from app.staff.models import Grade
from tests.dispatch.test_rules import BUSY, NEED, NOW, crew

crews = st.lists(
    st.tuples(
        st.booleans(),  # busy
        st.booleans(),  # on duty
        st.none() | st.sampled_from(Grade),
        st.none() | st.sampled_from([60.0, 300.0, 600.0, 3600.0]),  # arrival; few values, so that grades must decide
        st.none() | st.sampled_from(AlertKind),  # did not go before
    ),
    max_size=25,
)


@given(crews, st.integers(1, 30))
def test_arrays_and_rules_rank_alike(
    given_crews: list[tuple[bool, bool, Grade | None, float | None, AlertKind | None]], limit: int
) -> None:
    facts, rows, eta_s = [], [], []
    for number, (busy, duty, grade, eta, declined) in enumerate(given_crews):
        fields: dict[str, Any] = {
            "busy_with": BUSY if busy else None,
            "duty_until": NOW if duty else None,
            "grade": grade,
            "declined": declined,
            "position": None if eta is None else (120.0, 30.0),
        }
        facts.append(crew(f"R{number:03d}", **fields))
        place = facts[-1].position or (None, None)
        rows.append([str(facts[-1].crew_id), *place, GRADES[grade], duty and not busy, declined])
        eta_s.append(np.inf if eta is None else eta)
    roster = Roster.of(rows)
    trips = [None if np.isinf(eta) else Trip(eta * 8, eta, False) for eta in eta_s]
    slow = ranked(judge(known, trip, NEED) for known, trip in zip(facts, trips, strict=True))
    best = roster.best(np.array(eta_s), limit)
    assert roster.ids(best) == [candidate.facts.crew_id for candidate in slow[:limit]]
    assert roster.ok.sum() == sum(candidate.ok for candidate in slow)
    assert roster.placed.tolist() == [trip is not None for trip in trips]
