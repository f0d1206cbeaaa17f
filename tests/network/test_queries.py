"""Which transformer feeds a place."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.network.models import LinkState, NetworkLink
from app.network.queries import MOST_HOPS, transformer_of
from tests.factories import given_branch
from tests.factories_field import at_m, given_transformer_with_services


def test_a_service_point_is_fed_by_the_transformer_of_its_line(session: Session) -> None:
    transformer, *services = given_transformer_with_services(
        session, given_branch(session), [at_m(east, 0) for east in range(0, 400, 50)]
    )
    assert {transformer_of(session, service) for service in services} == {transformer}
    assert transformer_of(session, transformer) == transformer


def test_an_open_line_feeds_nobody(session: Session) -> None:
    _, service = given_transformer_with_services(session, given_branch(session), [at_m()])
    session.execute(update(NetworkLink).values(state=LinkState.OPEN))
    assert transformer_of(session, service) is None


@pytest.mark.parametrize("hops", [MOST_HOPS, MOST_HOPS + 1])
def test_the_search_ends_after_so_many_poles(session: Session, hops: int) -> None:
    transformer, *services = given_transformer_with_services(session, given_branch(session), [at_m()] * hops)
    assert transformer_of(session, services[-1]) == (transformer if hops <= MOST_HOPS else None)
