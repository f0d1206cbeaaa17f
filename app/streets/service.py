"""Verbs of streets: how far and how long, from many places to one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from uuid import UUID

import numpy as np
from shapely.geometry import Point

from app.kernel.unit_of_work import UnitOfWork
from app.streets import queries, rules
from app.streets.queries import Version
from app.streets.rules import StreetGraph, Travel

MOST_GRAPHS = 16  # branches whose streets one process keeps; a district's graph takes a few megabytes

_graphs: OrderedDict[UUID, tuple[Version, StreetGraph | None]] = OrderedDict()
_graphs_lock = Lock()


def travel_to(uow: UnitOfWork, *, branch_id: UUID, target: Point, origins: Sequence[tuple[float, float]]) -> Travel:
    """Metres and seconds from each origin (longitude, latitude) to the target along the branch's streets.

    One query when the streets are as they were at the last call, three when they have changed. Nobody's rights are
    asked: a street is no secret.
    """
    graph = _graph(uow, branch_id)
    goal = np.array([target.x, target.y])
    places = np.array(origins, dtype=np.float64).reshape(-1, 2)
    return rules.straight(goal, places) if graph is None else graph.travel_to(goal, places)


def _graph(uow: UnitOfWork, branch_id: UUID) -> StreetGraph | None:
    version = queries.version_of(uow.session, branch_id)
    with _graphs_lock:
        kept = _graphs.get(branch_id)
        if kept is not None and kept[0] == version:
            _graphs.move_to_end(branch_id)
            return kept[1]
    graph = queries.load_graph(uow.session, branch_id)  # outside the lock: twins may load twice, nobody waits
    with _graphs_lock:
        _graphs[branch_id] = (version, graph)
        _graphs.move_to_end(branch_id)
        while len(_graphs) > MOST_GRAPHS:
            _graphs.popitem(last=False)
    return graph
