"""Verbs of streets: how far and how long, from many places to one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

import numpy as np
from shapely.geometry import Point

from app.kernel.unit_of_work import UnitOfWork
from app.streets import queries, rules
from app.streets.queries import Version
from app.streets.rules import Floats, StreetGraph, Travel

MOST_GRAPHS = 16  # branches whose streets one process keeps; a district's graph takes a few megabytes

CHECK_EVERY = timedelta(seconds=5)  # a closed street is known to everybody this soon


@dataclass(frozen=True)
class Kept:
    """A branch's graph, of which version, and when that was last asked."""

    graph: StreetGraph | None
    version: Version
    asked_at: datetime


_graphs: OrderedDict[UUID, Kept] = OrderedDict()
_graphs_lock = Lock()


def travel_to(uow: UnitOfWork, *, branch_id: UUID, target: Point, origins: Floats) -> Travel:
    """Metres and seconds from each origin (n × 2, longitude and latitude) to the target along the branch's streets.

    No query within `CHECK_EVERY` of the last one, then one, and two more when the streets have changed. Nobody's rights
    are asked: a street is no secret.
    """
    graph = _graph(uow, branch_id)
    goal = np.array([target.x, target.y])
    return rules.straight(goal, origins) if graph is None else graph.travel_to(goal, origins)


def _graph(uow: UnitOfWork, branch_id: UUID) -> StreetGraph | None:
    with _graphs_lock:
        kept = _graphs.get(branch_id)
    if kept is not None and timedelta(0) <= uow.now - kept.asked_at < CHECK_EVERY:
        return kept.graph
    version = queries.version_of(uow.session, branch_id)
    # outside the lock: twins may load twice, nobody waits
    same = kept is not None and kept.version == version
    graph = kept.graph if same and kept is not None else queries.load_graph(uow.session, branch_id)
    with _graphs_lock:
        _graphs[branch_id] = Kept(graph, version, uow.now)
        _graphs.move_to_end(branch_id)
        while len(_graphs) > MOST_GRAPHS:
            _graphs.popitem(last=False)
    return graph
