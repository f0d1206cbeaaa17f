"""From calls to cause, live: who has called about open losses of power, and which devices explain it best."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import exp
from typing import Any
from uuid import UUID

import numpy as np
from shapely.geometry import Point

from app.grid.rules.feeding import NONE, Feeding
from app.grid.service import fed_network
from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork
from app.network.models import Commodity
from app.outages import queries
from app.outages.evidence import NOT_FED, Evidence, Forest
from app.outages.predict import Fault, predict
from app.outages.queries import Reported, Told

CALLS_OF = timedelta(hours=24)  # as long as calls join one outage (rules.SAME_FAULT_WITHIN)


@dataclass(frozen=True)
class Cause:
    """A device that most probably failed, who hangs on it and whose calls it explains."""

    id: UUID
    of: str
    kind: str
    code: str
    name: str | None
    feeder_code: str | None
    location: Point
    customers: int
    calls: int
    probability: float
    outages: list[dict[str, Any]]


def probable_causes(uow: UnitOfWork, *, branch_id: UUID) -> list[Cause]:
    """The most probable failed devices of a branch's power network, most customers first. Five queries, or one.

    A call counts at the node that feeds its premises; calls without premises, and from where a switch is known to be
    open, say nothing about a fault. Who answered a call with "I have power" forbids every device above them; a device
    confirmed for an outage that lasts has failed.

    Raises:
        NotFound, Forbidden: the actor may not see the branch's work.
    """
    uow.actor.must(Permission.READ_ALL_JOBS, branch_id)
    reports = queries.reports(uow.session, branch_id, uow.now - CALLS_OF)
    if not reports:
        return []
    feeding = fed_network(uow, branch_id=branch_id, commodity=Commodity.POWER)
    placed = [(_place(feeding, one.node_id), one) for one in reports]
    calls: Counter[int] = Counter()
    for place, one in placed:
        calls[place] += one.calls
    told = queries.told(uow.session, branch_id, uow.now - CALLS_OF)
    lit = {_place(feeding, node) for node in told.lit} - {NOT_FED}
    found = predict(forest_of(feeding), Evidence(calls=dict(calls), lit=lit, failed=_failed(feeding, told)))
    return _shown(uow, feeding, found.faults, placed)


@lru_cache(maxsize=8)
def forest_of(feeding: Feeding) -> Forest:
    """The network as predictions read it: without the root above all sources, devices where something can fail."""
    wiring, link = feeding.wiring, feeding.above[1:]
    nodes = feeding.node[1:]
    switched = np.where(link == NONE, False, wiring.device[link])
    return Forest(
        parent=feeding.parent[1:] - 1,
        device=switched | wiring.protects[nodes],
        customers=wiring.customers[nodes],
    )


def _place(feeding: Feeding, node_id: UUID) -> int:
    node = feeding.wiring.node(node_id)
    return NOT_FED if node is None or not feeding.fed[node] else int(feeding.place[node]) - 1


def _failed(feeding: Feeding, told: Told) -> set[int]:
    """Places of the devices confirmed as failed; those that have opened since feed nothing and have none."""
    numbers = [feeding.wiring.link(link) for link in told.failed_links]
    below = [feeding.place_of_link(number) for number in numbers if number is not None]
    return {place - 1 for place in below if place is not None} | {
        _place(feeding, node) for node in told.failed_nodes
    } - {NOT_FED}


def _shown(
    uow: UnitOfWork, feeding: Feeding, faults: tuple[Fault, ...], placed: list[tuple[int, Reported]]
) -> list[Cause]:
    ids = [_device(feeding, fault.place + 1) for fault in faults]
    nodes = [one for of, one in ids if of == "node"]
    links = [one for of, one in ids if of == "link"]
    named = queries.devices(uow.session, nodes, links)
    causes = [
        Cause(
            **named[device],
            customers=fault.customers,
            calls=fault.calls,
            probability=round(1 / (1 + exp(-min(fault.log_odds, 700.0))), 4),
            outages=_outages(fault, placed),
        )
        for fault, (_, device) in zip(faults, ids, strict=True)
    ]
    return sorted(causes, key=lambda cause: (-cause.customers, cause.code))


def _device(feeding: Feeding, place: int) -> tuple[str, UUID]:
    """The switch above a place, or the transformer at it."""
    link = feeding.above[place]
    if link != NONE and feeding.wiring.device[link]:
        return "link", feeding.wiring.links(np.array([link]))[0]
    return "node", feeding.wiring.nodes(feeding.node[[place]])[0]


def _outages(fault: Fault, placed: list[tuple[int, Reported]]) -> list[dict[str, Any]]:
    explained = set(fault.explains)
    found = {one.outage_id: one.number for place, one in placed if place in explained}
    return [{"id": outage_id, "number": number} for outage_id, number in sorted(found.items(), key=lambda one: one[1])]
