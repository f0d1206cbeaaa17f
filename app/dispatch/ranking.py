"""All crews of a branch in order of how well they would do, as arrays: a thousand cost what ten cost.

The order is the one of `rules.ranked`; `tests/dispatch/test_ranking.py` holds both against each other. Only the crews
that are shown are judged one by one, with their reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.dispatch.models import AlertKind

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Roster:
    """Every crew of a branch, by code: what decides whether it can go, and where it is (NaN where not known)."""

    crew_ids: list[str]
    position: Floats  # n × 2, longitude and latitude
    grade: NDArray[np.int64]  # dispatch.rules.GRADES of the best valid one for the skill, 0 without
    ready: NDArray[np.bool_]  # on duty and on no other job
    declined: list[AlertKind | None]  # what it did when it was sent to this job before

    @classmethod
    def of(cls, rows: list[list[Any]]) -> Roster:
        """From rows of [crew id, longitude, latitude, grade, ready, declined], sorted by code."""
        ids, lon, lat, grade, ready, declined = zip(*rows, strict=True) if rows else ((), (), (), (), (), ())
        place = np.array([lon, lat], dtype=np.float64).T.reshape(-1, 2)  # None becomes NaN
        return cls(
            list(ids),
            place,
            np.array(grade, dtype=np.int64),
            np.array(ready, dtype=np.bool_),
            [how and AlertKind(how) for how in declined],
        )

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Whose position is known."""
        return np.isfinite(self.position[:, 0])

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Who can be sent."""
        return self.ready & (self.grade > 0)

    def best(self, eta_s: Floats, limit: int) -> list[int]:
        """Places in the roster of the first `limit`: those that can go, by arrival, then grade, then code.

        Crews that have declined the job before come after the others that can go.
        """
        shy = np.array([how is not None for how in self.declined], dtype=np.bool_)
        order = np.lexsort((np.arange(len(self.crew_ids)), -self.grade, eta_s, shy, ~self.ok))
        return [int(place) for place in order[:limit]]

    def ids(self, places: list[int]) -> list[UUID]:
        """The crews at these places."""
        return [UUID(self.crew_ids[place]) for place in places]
