"""SPEC.md C: what becomes of a value that waits for a person."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from mobile_sync.adapters.sql import acknowledge_conflicts, assign_conflicts, settle_conflicts
from mobile_sync.adapters.tables import sync_conflict
from mobile_sync.collection import FieldRule, Policy, Stored
from mobile_sync.tablet import Tablet
from tests.mobile_sync.sample import RULES, Notes, Shop, Unit
from tests.mobile_sync.worlds import SqlWorld

SEALED = {**RULES, "title": FieldRule(Policy.NEVER)}


@dataclass
class Contested:
    """A title on which a tablet and the desk disagree."""

    shop: Shop
    tablet: Tablet
    rec_id: UUID

    def row(self) -> Any:
        with self.shop.unit() as ctx:
            return ctx.session.execute(select(sync_conflict)).one()

    def change(self, what: Callable[..., None], **how: Any) -> None:
        with self.shop.unit() as ctx:
            what(ctx.session, [self.row().id], **how)

    def settle(self, take: str) -> None:
        with self.shop.unit() as ctx:
            self._settle(ctx.session, take)

    def _settle(self, session: Session, take: str) -> None:
        settle_conflicts(session, {self.row().id: 2}, resolution={"take": take}, by=uuid7(), at=self.shop.clock())

    def say(self, title: str) -> None:
        self.tablet.update("note", self.rec_id, {"title": title}, base_rev=1)
        self.tablet.push()


@pytest.fixture
def contested(shop: Shop) -> Contested:
    world = SqlWorld(shop)
    rec_id = uuid7()
    world.save(rec_id, title="a")
    tablet = world.tablet("a")
    tablet.pull()
    world.save(rec_id, title="desk")
    found = Contested(shop, tablet, rec_id)
    found.say("tablet")
    return found


def test_C1_each_change_of_a_conflict_gives_it_a_revision(contested: Contested) -> None:
    assert contested.row().rev == 1
    contested.say("tablet again")
    contested.change(assign_conflicts, assignee=uuid7(), due_at=None)
    contested.change(acknowledge_conflicts, by=uuid7(), at=contested.shop.clock())
    contested.settle("mine")
    assert (contested.row().rev, contested.row().mine) == (5, "tablet again")


def test_C2_a_conflict_is_settled_once(contested: Contested) -> None:
    contested.settle("mine")
    first = contested.row()
    contested.settle("theirs")
    contested.change(assign_conflicts, assignee=uuid7(), due_at=None)
    assert contested.row() == first


def test_C2_after_the_decision_the_device_may_disagree_anew(contested: Contested) -> None:
    contested.settle("theirs")
    contested.tablet.pull()
    contested.tablet.update("note", contested.rec_id, {"title": "now"})
    contested.tablet.push()
    assert contested.tablet.outbox.entries[-1].result["status"] == "applied"


def test_C3_another_value_takes_the_acknowledgement_back(contested: Contested) -> None:
    who = uuid7()
    contested.change(acknowledge_conflicts, by=who, at=contested.shop.clock())
    assert contested.row().acknowledged_by == who
    contested.say("tablet again")
    assert (contested.row().acknowledged_by, contested.row().acknowledged_at) == (None, None)


def test_C3_a_decision_acknowledges(contested: Contested) -> None:
    contested.settle("mine")
    assert contested.row().acknowledged_by == contested.row().resolved_by


class Sealed(Notes):
    """Notes of the shelf `sealed` guard their title, whatever holds for notes in general."""

    def stored(self, ctx: Unit, rec_id: UUID) -> Stored | None:
        """With rules of its own."""
        found = super().stored(ctx, rec_id)
        sealed = found is not None and found.fields.get("shelf") == "sealed"
        return found._replace(rules=SEALED) if found is not None and sealed else found


@pytest.mark.parametrize(("shelf", "status", "alarms"), [("a", "applied", 0), ("sealed", "conflict", 1)])
def test_M1_a_record_may_bring_policies_of_its_own(shop: Shop, shelf: str, status: str, alarms: int) -> None:
    shop.collections = {"note": Sealed()}
    world = SqlWorld(shop)
    rec_id = uuid7()
    world.save(rec_id, title="a", shelf=shelf)
    tablet = world.tablet(shelf)
    tablet.pull()
    op_no = tablet.update("note", rec_id, {"title": "b"})
    tablet.push()
    assert tablet.result(op_no)["status"] == status
    assert len(world.alarms()) == alarms
