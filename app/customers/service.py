"""Verbs of customers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shapely.geometry import Point

from app.customers import queries
from app.customers.models import Premises, SpecialNeed
from app.identity.service.trail import audit
from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class PremisesPage:
    """A premises as its page shows it. `needs` is None where the actor may not know of any."""

    view: queries.PremisesView
    needs: list[SpecialNeed] | None


def open_premises(uow: UnitOfWork, *, premises_id: UUID) -> PremisesPage:
    """A premises with accounts; special needs only for those who send help, and each look at one is written down.

    Raises:
        NotFound: no such premises, or of a branch where the actor has no grant.
        Forbidden: the actor may not read customers there.
    """
    premises = queries.get_premises(uow.session, premises_id)
    uow.actor.must(Permission.READ_CUSTOMERS, premises.branch_id)
    view = queries.view_premises(uow.session, premises)
    if not uow.actor.may(Permission.DISPATCH, premises.branch_id):
        return PremisesPage(view, None)
    needs = queries.needs_at(uow.session, premises.id, uow.now)
    if needs:
        kinds = {"kinds": [need.kind.value for need in needs]}
        audit(uow, "special_need_seen", "premises", premises.id, kinds, branch_id=premises.branch_id)
    return PremisesPage(view, needs)


def premises_near(uow: UnitOfWork, *, near: Point, radius_m: float, limit: int) -> list[tuple[Premises, float]]:
    """Premises around a point with their metres to it, nearest first.

    Raises:
        Forbidden: the actor may read customers nowhere.
    """
    branches = uow.actor.must_somewhere(Permission.READ_CUSTOMERS)
    return queries.premises_near(uow.session, branches, near, radius_m=radius_m, limit=limit)
