"""Before a crew is sent: what is known already of the place somebody calls about, and what that suggests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.customers.queries import get_premises
from app.demands.models import Symptom
from app.demands.rules import commodity_of
from app.grid.service import fed_network
from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork
from app.network.models import Commodity
from app.outages.rules import EMERGENCIES, WITHOUT_SUPPLY
from app.supply import queries

CALLS_OF = timedelta(hours=24)  # as long as calls join one outage


class Finding(StrEnum):
    """What is known of the place, the weightiest first."""

    DANGER = "danger"
    KNOWN_OUTAGE = "known_outage"
    SWITCHED_OFF = "switched_off"
    NEIGHBOURS_CALLED = "neighbours_called"
    SUPPLY_STOPPED = "supply_stopped"
    INSIDE = "inside"
    NOTHING_KNOWN = "nothing_known"


class Advice(StrEnum):
    """What to do next. Sending a crew is never forbidden: whoever takes the call decides."""

    SEND = "send"
    JOIN = "join"
    ASK_BILLING = "ask_billing"
    CHECK_INSIDE = "check_inside"


ADVICE = {
    Finding.DANGER: Advice.SEND,
    Finding.KNOWN_OUTAGE: Advice.JOIN,
    Finding.SWITCHED_OFF: Advice.JOIN,
    Finding.NEIGHBOURS_CALLED: Advice.JOIN,
    Finding.SUPPLY_STOPPED: Advice.ASK_BILLING,
    Finding.INSIDE: Advice.CHECK_INSIDE,
    Finding.NOTHING_KNOWN: Advice.SEND,
}


@dataclass(frozen=True)
class Triage:
    """What is known, why, and what it suggests. What does not belong to the finding is None."""

    finding: Finding
    advice: Advice
    outage_id: UUID | None = None
    outage_number: str | None = None
    expected_at: datetime | None = None
    neighbours: int | None = None
    stopped_on: date | None = None


def triage(uow: UnitOfWork, *, premises_id: UUID, symptom: Symptom) -> Triage:
    """What is known of a premises before a crew is sent there for this. Nothing is written.

    Danger goes before everything; then what the network tells, then the account, and last the customer's own wiring:
    a place that is fed and whose neighbours are silent.

    Raises:
        NotFound, Forbidden: no such premises, or the actor takes no calls in its branch.
    """
    premises = get_premises(uow.session, premises_id)
    uow.actor.must(Permission.TAKE_CALLS, premises.branch_id)
    if symptom in EMERGENCIES:
        return _found(Finding.DANGER)
    commodity = commodity_of(symptom)
    known = queries.outage_at(uow.session, premises.id, commodity)
    if known is not None:
        return _found(
            Finding.KNOWN_OUTAGE, outage_id=known.id, outage_number=known.number, expected_at=known.expected_at
        )
    if symptom not in WITHOUT_SUPPLY:
        return _found(Finding.NOTHING_KNOWN)
    node_id = premises.riser_node_id if commodity is Commodity.GAS else premises.service_node_id
    fed = _is_fed(uow, premises.branch_id, commodity, node_id)
    called = queries.neighbours_called(uow.session, premises.id, node_id, commodity, uow.now - CALLS_OF)
    if fed is False:
        return _found(Finding.SWITCHED_OFF, neighbours=called or None)
    if called:
        return _found(Finding.NEIGHBOURS_CALLED, neighbours=called)
    return _of_account(uow, premises.id, commodity, fed=bool(fed))


def _of_account(uow: UnitOfWork, premises_id: UUID, commodity: Commodity, *, fed: bool) -> Triage:
    """The network tells nothing: the account, then the customer's own wiring where supply comes to it."""
    stopped_on = queries.stopped_on(uow.session, premises_id, commodity)
    if stopped_on is not None:
        return _found(Finding.SUPPLY_STOPPED, stopped_on=stopped_on)
    return _found(Finding.INSIDE if fed else Finding.NOTHING_KNOWN)


def _found(finding: Finding, **what: object) -> Triage:
    return Triage(finding, ADVICE[finding], **what)  # type: ignore[arg-type]


def _is_fed(uow: UnitOfWork, branch_id: UUID, commodity: Commodity, node_id: UUID | None) -> bool | None:
    """Whether supply reaches the place by the network as it is switched; None where it has no place in it."""
    if node_id is None:
        return None
    feeding = fed_network(uow, branch_id=branch_id, commodity=commodity)
    number = feeding.wiring.node(node_id)
    return None if number is None else bool(feeding.fed[number])
