"""Verbs of networks: what changes in the field."""

from __future__ import annotations

from app.kernel.unit_of_work import UnitOfWork
from app.network.models import LinkState, NetworkLink


def switch(uow: UnitOfWork, *, link: NetworkLink, state: LinkState) -> None:
    """Set a device's state. Whether it may be set is the grid's to say."""
    link.state = state
    uow.session.flush()


def mark(uow: UnitOfWork, *, link: NetworkLink, usable: bool) -> None:
    """Note whether a device can be turned."""
    link.usable = usable
    uow.session.flush()
