"""A tablet asks and nothing has changed: login, crew and buckets in one query, whatever is not certain the long way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import g
from psycopg import OperationalError
from sqlalchemy import func, select

from app.crews.models import CrewMember, CrewRegion
from app.identity import service as identity
from app.identity.models import Person, SignedIn
from app.identity.queries.logins import STANDING, standing_in
from app.kernel.actor import Actor
from app.kernel.lookups import Lookup
from app.kernel.problems import Problem
from app.kernel.unit_of_work import Runtime
from app.kernel.web import presented_token
from app.sync.collection import SCHEMA_VERSION
from app.sync.placement import buckets_of_actor
from mobile_sync.adapters.idle import idle_columns, idle_page, is_due
from mobile_sync.adapters.sql import acknowledge
from mobile_sync.protocol import Page, PullRequest

_CREWS = (
    select(func.array_agg(CrewMember.crew_id))
    .where(CrewMember.person_id == Person.id, CrewMember.until.is_(None))
    .correlate(Person)
    .scalar_subquery()
)
_REGIONS = (
    select(func.array_agg(CrewRegion.place_id))
    .join(CrewMember, CrewMember.crew_id == CrewRegion.crew_id)
    .where(CrewMember.person_id == Person.id, CrewMember.until.is_(None))
    .correlate(Person)
    .scalar_subquery()
)
_COLUMNS = (_CREWS.label("crews"), _REGIONS.label("regions"), *idle_columns(SignedIn.__table__.c.device_id))
_ASK = Lookup("idle", STANDING.add_columns(*_COLUMNS))


def answer_idle(runtime: Runtime, request: PullRequest) -> Page | None:
    """The page of a tablet for which nothing has changed; None: ask properly, and say there what is wrong."""
    token, is_cookie = presented_token(identity.COOKIE)
    if not token or is_cookie or not request.cursors or request.reading or request.mismatched:
        return None
    now = runtime.clock()
    row = _asked(runtime, {**identity.shown(token), "keys": sorted(request.cursors)})
    actor = None if row is None else _tablet_of(row, now)
    if row is None or actor is None or actor.device_id is None:
        return None
    buckets = buckets_of_actor(actor, row.crews or (), row.regions or ())
    page = idle_page(row, request, buckets, now, SCHEMA_VERSION)
    if page is not None and is_due(row, request, now):
        with runtime.sessions.begin() as session:
            acknowledge(session, actor.device_id, request, now)
    g.person_id = actor.person_id
    if page is None:
        g.sync_known = actor  # who goes the long way need not be looked up again
    return page


def _asked(runtime: Runtime, bound: Mapping[str, Any]) -> Any:
    try:
        return runtime.look_up(_ASK, bound)
    except OperationalError:  # the database was away; the long way looks whether it is back
        return None


def _tablet_of(row: Any, now: datetime) -> Actor | None:
    """The actor, if it may pull."""
    try:
        actor = identity.actor_standing(standing_in(vars(row)), now)
    except Problem:
        return None
    return None if actor.device_id is None or actor.device_revoked else actor
