"""Whom a device feeds, and whom an operation darkened or brought back: by node, for rooms that know the people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from app.grid import queries
from app.grid.errors import NotFed
from app.grid.kept import feeding_of
from app.grid.models import Switching
from app.grid.rules import tracing
from app.grid.rules.feeding import Feeding, fed_by
from app.grid.rules.wiring import Bools, Ints, Wiring
from app.kernel.problems import NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.network.models import Commodity


@dataclass(frozen=True)
class Behind:
    """A device of a branch's network, and the nodes that lose supply when it fails."""

    branch_id: UUID
    commodity: Commodity
    nodes: list[UUID]


@dataclass(frozen=True)
class Change:
    """What an operation did: nodes that have supply again, and nodes that lost it."""

    switching: Switching
    back: list[UUID]
    gone: list[UUID]


def behind(uow: UnitOfWork, *, node_id: UUID | None = None, link_id: UUID | None = None) -> Behind:
    """Who loses supply with a device as the network is switched now; of one that has opened, who would have it closed.

    Raises:
        NotFound: no such thing, or of a branch whose work the actor may not see.
        NotFed: nothing feeds it either way.
    """
    thing = queries.get_link(uow.session, uow.actor, link_id) if link_id else None
    of = thing or queries.get_node(uow.session, uow.actor, node_id or UUID(int=0))
    feeding = feeding_of(uow, of.branch_id, of.commodity)
    wiring = feeding.wiring
    number = wiring.node(of.id) if thing is None else wiring.link(of.id)
    if number is None:
        raise NotFound
    places = _below(feeding, number, is_link=thing is not None)
    if not len(places):
        raise NotFed
    return Behind(of.branch_id, of.commodity, wiring.nodes(places))


def _below(feeding: Feeding, number: int, *, is_link: bool) -> Ints:
    if not is_link:
        return tracing.below_node(feeding, number).nodes
    if feeding.wiring.carries[number]:
        return tracing.below_link(feeding, number).nodes
    return np.flatnonzero(fed_by(feeding.wiring.switched(on=[number])) & ~feeding.fed)


def change_of(uow: UnitOfWork, *, switching_id: UUID, failed: Mapping[UUID, datetime]) -> Change:
    """What an operation did at its moment, whatever was operated since.

    `failed`: nodes and links known to have failed, and when that was said. Nothing passes them; a switch that was
    operated after it was said is believed to be as it was left.

    Raises:
        NotFound: no such operation, or of a branch whose work the actor may not see.
    """
    done = queries.get_switching(uow.session, uow.actor, switching_id)
    wiring = feeding_of(uow, done.branch_id, done.commodity).wiring
    log = queries.operations_since(uow.session, done, min(failed.values(), default=done.at))
    after = _wound_back(wiring, [one for one in log if (one.at, one.id) > (done.at, done.id)])
    before = _wound_back(after, [done])
    until = [one for one in log if (one.at, one.id) <= (done.at, done.id)]
    was = fed_by(_without(before, failed, [one for one in until if one.id != done.id]))
    now = fed_by(_without(after, failed, until))
    return Change(done, wiring.nodes(np.flatnonzero(now & ~was)), wiring.nodes(np.flatnonzero(was & ~now)))


def _wound_back(wiring: Wiring, operations: list[Switching]) -> Wiring:
    """The network before these operations."""
    for one in sorted(operations, key=lambda one: (one.at, one.id), reverse=True):
        place = wiring.link(one.link_id)
        if place is not None:
            wiring = wiring.switched(off=[place]) if wiring.carries[place] else wiring.switched(on=[place])
    return wiring


def _without(wiring: Wiring, failed: Mapping[UUID, datetime], operations: list[Switching]) -> Wiring:
    """The network with nothing passing what has failed."""
    cut: Bools = np.zeros(len(wiring.link_ids), dtype=np.bool_)
    dead: Bools = np.zeros(wiring.size, dtype=np.bool_)
    for thing, since in failed.items():
        node, link = wiring.node(thing), wiring.link(thing)
        if node is not None:
            dead[node] = True
        elif link is not None and not any(one.link_id == thing and one.at > since for one in operations):
            cut[link] = True
    return wiring.cut(cut | wiring.touching(dead))
