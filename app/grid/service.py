"""Verbs of the networks at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from app.grid import queries
from app.grid.errors import (
    AlreadySwitched,
    DeviceStuck,
    FedFromTwoSides,
    NotFed,
    NotJoined,
    NotSwitchgear,
    OtherNetwork,
    SwitchedSince,
)
from app.grid.events import Switched
from app.grid.kept import feeding_of
from app.grid.models import Move, Switching
from app.grid.queries import LogEntry
from app.grid.rules import isolation, tracing
from app.grid.rules.feeding import Feeding, fed_by
from app.grid.rules.isolation import Section, SwitchingPlan
from app.grid.rules.tracing import Part
from app.grid.rules.wiring import Wiring
from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, Invalid, NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.network import service as network
from app.network.models import Commodity, LinkKind, LinkState

if TYPE_CHECKING:
    from app.network.models import NetworkLink, NetworkNode

STATE_AFTER = {Move.OPEN: LinkState.OPEN, Move.CLOSE: LinkState.CLOSED}
SWITCHGEAR = frozenset({LinkKind.BREAKER, LinkKind.SWITCH, LinkKind.TIE_SWITCH, LinkKind.VALVE})


class Way(StrEnum):
    """Which way a trace goes."""

    DOWN = "down"
    UP = "up"


@dataclass(frozen=True)
class Traced:
    """A part of a network, drawn: GeoJSON features as text, who hangs on it, and whether supply comes another way."""

    commodity: Commodity
    nodes: int
    links: int
    looped: bool
    customers: dict[str, Any]
    features: str


@dataclass(frozen=True)
class Operation:
    """One step of a plan: what is done to which device, and how many accounts it brings back."""

    link: NetworkLink
    move: Move
    restores: int


@dataclass(frozen=True)
class Isolated:
    """How a section is cut out, drawn with the devices that do it.

    `dark`: who is without supply after the last step; `beyond`: who loses it though not in the section.
    `sources` are stations inside the section, which must be shut down themselves.
    """

    commodity: Commodity
    steps: list[Operation]
    sources: list[NetworkNode]
    section: Traced
    beyond: Traced
    dark: int


@dataclass(frozen=True)
class Thing:
    """A node or a link of a network, by its number there."""

    id: UUID
    branch_id: UUID
    commodity: Commodity
    feeding: Feeding
    number: int
    is_link: bool


def fed_network(uow: UnitOfWork, *, branch_id: UUID, commodity: Commodity) -> Feeding:
    """A branch's network as it is switched now, for rooms that reason about it.

    Raises:
        NotFound, Forbidden: the actor may not see the branch's work.
    """
    uow.actor.must(Permission.READ_ALL_JOBS, branch_id)
    return feeding_of(uow, branch_id, commodity)


def look_at(uow: UnitOfWork, *, node_id: UUID | None = None, link_id: UUID | None = None) -> dict[str, Any]:
    """A node or link as it is shown: its columns, `location`, whether it is `fed`, and `accounts` that hang on it.

    Raises:
        NotFound: no such thing, or of a branch whose work the actor may not see.
    """
    thing = _thing(uow, node_id, link_id)
    wiring, below = thing.feeding.wiring, FOLLOW[Way.DOWN, thing.is_link](thing.feeding, thing.number)
    shown = queries.link_as_shown if thing.is_link else queries.node_as_shown
    columns = shown(uow.session, thing.id)
    ends = [wiring.start[thing.number], wiring.end[thing.number]] if thing.is_link else [thing.number]
    fed = bool(thing.feeding.fed[ends].any())
    return {**columns, "fed": fed, "accounts": int(wiring.customers[below.nodes].sum())}


def trace(uow: UnitOfWork, *, node_id: UUID | None = None, link_id: UUID | None = None, way: Way) -> Traced:
    """Follow the supply from a node or link: down to all that loses it, or up to the source.

    Raises:
        NotFound: no such thing, or of a branch whose work the actor may not see.
        NotFed: no source reaches it now (up only; down of a dead thing is nothing).
    """
    thing = _thing(uow, node_id, link_id)
    part = FOLLOW[way, thing.is_link](thing.feeding, thing.number)
    if way is Way.UP and not len(part.nodes):
        raise NotFed
    return _drawn(uow, thing, part)


def trace_between(uow: UnitOfWork, *, node_id: UUID, to_node_id: UUID) -> Traced:
    """The way with the fewest closed links between two nodes.

    Raises:
        NotFound: no such node, or of a branch whose work the actor may not see.
        OtherNetwork: they are of two networks.
        NotJoined: there is no closed way.
    """
    one, other = (_thing(uow, wanted, None) for wanted in (node_id, to_node_id))
    if (one.branch_id, one.commodity) != (other.branch_id, other.commodity):
        raise OtherNetwork(FieldError("to_node_id", "other_network"))
    part = tracing.between(one.feeding, one.number, other.number)
    if part is None:
        raise NotJoined
    return _drawn(uow, one, part)


def isolate(
    uow: UnitOfWork, *, node_id: UUID | None = None, link_id: UUID | None = None, stuck: Sequence[UUID] = ()
) -> Isolated:
    """Which devices cut out the section around a fault or leak, who is dark then, and (power) how others come back.

    `stuck`: devices found stuck just now; the section grows past them.

    Raises:
        NotFound: no such thing, or of a branch whose work the actor may not see.
        OtherNetwork: a stuck device is of another network.
    """
    thing = _thing(uow, node_id, link_id)
    section = _section(thing, stuck)
    plan = isolation.switching_plan(thing.feeding, section, backfeed=thing.commodity is Commodity.POWER)
    return _isolated(uow, thing, plan)


def operate(uow: UnitOfWork, *, link_id: UUID, move: Move, note: str | None = None, parallel: bool = False) -> LogEntry:
    """Throw a switch or turn a valve as it was done in the field, and write the log.

    `parallel`: in a power network, closing may feed a piece from two sides for a while.

    Raises:
        NotFound, Forbidden: not the actor's to see or to switch.
        NotSwitchgear, DeviceStuck, AlreadySwitched: it cannot be.
        FedFromTwoSides: it would, and `parallel` was not said.
    """
    link = _held(uow, link_id)
    return _operated(uow, link, move, note=note, parallel=parallel, undoes=None)


def undo(uow: UnitOfWork, *, switching_id: UUID) -> LogEntry:
    """Take an operation back: the device goes to where it was, and the log shows both.

    Raises:
        NotFound, Forbidden: not the actor's to see or to switch.
        SwitchedSince: the device was operated again, or this was undone already.
        DeviceStuck, FedFromTwoSides: as for any operation.
    """
    done = queries.get_switching(uow.session, uow.actor, switching_id)
    link = _held(uow, done.link_id)
    last = queries.last_of(uow.session, link.id)
    if last is None or last.id != done.id:
        raise SwitchedSince
    back = Move.CLOSE if done.move is Move.OPEN else Move.OPEN
    return _operated(uow, link, back, note=None, parallel=False, undoes=done.id)


def mark_stuck(uow: UnitOfWork, *, link_id: UUID, usable: bool, note: str | None = None) -> NetworkLink:
    """Note that a device cannot be turned, or that it can again.

    Raises:
        NotFound, Forbidden: not the actor's to see or to switch.
        NotSwitchgear: it is a line or a pipe.
    """
    link = _held(uow, link_id)
    network.mark(uow, link=link, usable=usable)
    uow.wake_live(link.branch_id, "network", link.id)
    audit(uow, "device_marked", "network_link", link.id, {"usable": usable, "note": note}, branch_id=link.branch_id)
    return link


def _held(uow: UnitOfWork, link_id: UUID) -> NetworkLink:
    """A device of a network that nobody else switches meanwhile, as it stands now."""
    link = queries.get_link(uow.session, uow.actor, link_id)
    uow.actor.must(Permission.DISPATCH, link.branch_id)
    if link.kind not in SWITCHGEAR:
        raise NotSwitchgear(FieldError("link_id", "not_switchgear"))
    queries.hold_network(uow.session, link.branch_id, link.commodity)
    uow.session.refresh(link)
    return link


def _operated(
    uow: UnitOfWork, link: NetworkLink, move: Move, *, note: str | None, parallel: bool, undoes: UUID | None
) -> LogEntry:
    feeding = feeding_of(uow, link.branch_id, link.commodity)
    before, place = feeding.wiring, _number(feeding.wiring.link(link.id))
    joins = move is _move(link, joins=True)
    _may_move(before, link, move, place if joins and not parallel else None)
    was, now = feeding.fed, fed_by(before.switched(**{"on" if joins else "off": [place]}))
    done = Switching(
        id=uow.new_id(),
        branch_id=link.branch_id,
        commodity=link.commodity,
        link_id=link.id,
        move=move,
        at=uow.now,
        person_id=uow.actor.person_id,
        note=note,
        parallel=parallel,
        darkened=int(before.customers[was & ~now].sum()),
        restored=int(before.customers[now & ~was].sum()),
        undoes_id=undoes,
    )
    uow.session.add(done)
    network.switch(uow, link=link, state=STATE_AFTER[move])
    uow.emit(Switched(done.id))
    uow.wake_live(link.branch_id, "network", link.id)
    return queries.entry_of(uow.session, done)


def _may_move(wiring: Wiring, link: NetworkLink, move: Move, joined: int | None) -> None:
    """`joined`: the place of the link where it must not feed anything from two sides."""
    if not link.usable:
        raise DeviceStuck(code=link.code)
    if link.state is STATE_AFTER[move]:
        raise AlreadySwitched(code=link.code, state=link.state.value)
    if joined is not None and link.commodity is Commodity.POWER and isolation.makes_a_loop(wiring, joined):
        raise FedFromTwoSides(code=link.code)


def _move(link: NetworkLink, *, joins: bool) -> Move:
    """How the field calls it: a switch is closed to join, a valve opened."""
    return Move.OPEN if joins is (link.kind is LinkKind.VALVE) else Move.CLOSE


def _thing(uow: UnitOfWork, node_id: UUID | None, link_id: UUID | None) -> Thing:
    """One of the two; the door has seen to it that it is one."""
    row: NetworkNode | NetworkLink
    if node_id is not None:
        row = queries.get_node(uow.session, uow.actor, node_id)
    elif link_id is not None:
        row = queries.get_link(uow.session, uow.actor, link_id)
    else:
        raise Invalid(FieldError("node_id", "required"))
    feeding = feeding_of(uow, row.branch_id, row.commodity)
    number = feeding.wiring.link(row.id) if node_id is None else feeding.wiring.node(row.id)
    return Thing(row.id, row.branch_id, row.commodity, feeding, _number(number), is_link=node_id is None)


def _number(found: int | None) -> int:
    if found is None:  # removed since it was read
        raise NotFound
    return found


FOLLOW = {
    (Way.DOWN, False): tracing.below_node,
    (Way.DOWN, True): tracing.below_link,
    (Way.UP, False): tracing.above_node,
    (Way.UP, True): tracing.above_link,
}


def _section(thing: Thing, stuck: Sequence[UUID]) -> Section:
    wiring = thing.feeding.wiring
    places = [wiring.link(one) for one in stuck]
    known = [one for one in places if one is not None]
    if len(known) < len(places):
        raise OtherNetwork(FieldError("stuck", "other_network"))
    if thing.is_link:
        return isolation.around_link(wiring, thing.number, stuck=known)
    return isolation.section_around(wiring, [thing.number], stuck=known)


def _isolated(uow: UnitOfWork, thing: Thing, plan: SwitchingPlan) -> Isolated:
    wiring = thing.feeding.wiring
    operated = np.array([step.link for step in plan.steps], dtype=np.int64)
    devices = queries.links_by_id(uow.session, wiring.links(operated))
    steps = []
    for step in plan.steps:
        link = devices[wiring.links(np.array([step.link]))[0]]
        steps.append(Operation(link, _move(link, joins=step.joins), step.restores))
    section = plan.isolation.section
    part = tracing.part_of(wiring, section.nodes)
    return Isolated(
        commodity=thing.commodity,
        steps=steps,
        sources=queries.nodes_by_id(uow.session, wiring.nodes(section.sources)),
        section=_drawn(uow, thing, replace(part, links=np.concatenate((part.links, operated)))),
        beyond=_drawn(uow, thing, tracing.part_of(wiring, plan.isolation.beyond)),
        dark=int(wiring.customers[plan.dark].sum()),
    )


def _drawn(uow: UnitOfWork, thing: Thing, part: Part) -> Traced:
    wiring = thing.feeding.wiring
    nodes, links = wiring.nodes(part.nodes), wiring.links(part.links)
    needs = uow.actor.may(Permission.READ_CUSTOMERS, thing.branch_id)
    return Traced(
        commodity=thing.commodity,
        nodes=len(nodes),
        links=len(links),
        looped=part.looped,
        customers=queries.customers_at(uow.session, nodes, thing.commodity, needs=needs, now=uow.now),
        features=queries.features_json(uow.session, nodes, links),
    )
