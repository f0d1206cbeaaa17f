"""A town with its networks, calls about an outage in it, and a dispatcher who says what failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.customers.models import Account, NeedKind, Premises, SpecialNeed, Tier
from app.identity.models import Branch, Role
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.network.models import NetworkNode
from app.reliability.models import Interruption
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import given_forms
from tests.grid.town import Networks, given_networks


@dataclass
class Storm:
    """The town's feeder A after a call from TXA2; times tick by minutes."""

    desk: Client
    session: Session
    runtime: Runtime
    clock: FrozenClock
    networks: Networks
    outage: str
    at: dict[str, list[UUID]] = field(default_factory=dict)  # accounts by transformer

    def confirm(self, code: str, **more: Any) -> Any:
        """The dispatcher confirms a device, by its code."""
        body = {"cause": "storm", **device(self.networks, code), **more}
        return self.desk.post(f"/api/v1/outages/{self.outage}/confirmation", json=body)

    def operate(self, code: str, move: str) -> dict[str, Any]:
        """A minute later somebody throws a switch, and what follows from it is done."""
        self.clock.tick(minutes=1)
        answer = self.desk.post(f"/api/v1/network/links/{self.networks.links[code]}/switching", json={"move": move})
        assert answer.status_code == 201, answer.text
        drain(self.runtime)
        return dict(answer.get_json())

    def undo(self, switching: dict[str, Any]) -> None:
        """A minute later the operation is taken back."""
        self.clock.tick(minutes=1)
        assert self.desk.post(f"/api/v1/network/switching/{switching['id']}/undo", json={}).status_code == 201
        drain(self.runtime)

    def state(self, at: datetime | None = None, **who: Any) -> Any:
        """The dispatcher says who has supply again."""
        body = {"at": (at or self.clock()).isoformat(), **who}
        return self.desk.post(f"/api/v1/outages/{self.outage}/stages", json=body)

    def supply(self) -> dict[str, Any]:
        """What the panel shows."""
        return dict(self.desk.get(f"/api/v1/outages/{self.outage}/supply").get_json())

    def state_of_outage(self) -> str:
        """As the list shows it."""
        return str(self.desk.get(f"/api/v1/outages/{self.outage}").get_json()["state"])

    def out(self) -> set[str]:
        """The transformers with somebody still without supply."""
        self.session.expire_all()
        out = set(self.session.scalars(select(Interruption.account_id).where(Interruption.restored_at.is_(None))))
        return {code for code, accounts in self.at.items() if out & set(accounts)}

    def rows(self) -> int:
        """How many interruptions are noted."""
        self.session.expire_all()
        return self.session.scalar(select(func.count()).select_from(Interruption)) or 0


def device(networks: Networks, code: str) -> dict[str, str]:
    """As the API names it."""
    if code in networks.links:
        return {"link_id": str(networks.links[code])}
    return {"node_id": str(networks.nodes[code])}


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "linxiao", [Role.DISPATCHER]))


@pytest.fixture
def storm(desk: Client, session: Session, runtime: Runtime, clock: FrozenClock, branch: Branch) -> Storm:
    networks = given_networks(session, branch)
    at: dict[str, list[UUID]] = {}
    rows = session.execute(
        select(NetworkNode.code, Account.id, Premises.id)
        .join(Premises, Premises.service_node_id == NetworkNode.id)
        .join(Account, Account.premises_id == Premises.id)
        .order_by(NetworkNode.code, Account.number)
    ).all()
    for code, account, _premises in rows:
        at.setdefault(code, []).append(account)
    home = next(premises for code, _account, premises in rows if code == "TXA2")
    call = desk.post("/api/v1/calls", json={"symptom": "no_supply", "premises_id": str(home)})
    assert call.status_code == 201, call.text
    clock.tick(minutes=10)
    return Storm(desk, session, runtime, clock, networks, call.get_json()["outage_id"], at)


def given_need(session: Session, account_id: UUID, kind: NeedKind, *, consented: bool = True) -> None:
    """A need of whoever holds the account."""
    account = session.get_one(Account, account_id)
    session.add(
        SpecialNeed(
            id=new_id(),
            branch_id=account.branch_id,
            party_id=account.party_id,
            kind=kind,
            consented_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00") if consented else None,
        )
    )
    session.commit()


def given_tier(session: Session, account_id: UUID, tier: Tier) -> None:
    """A contract of another tier."""
    session.get_one(Account, account_id).tier = tier
    session.commit()
