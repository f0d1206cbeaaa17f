"""A tablet asks and nothing has changed: login, crew and buckets in one query, whatever is not certain the long way."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from flask import Flask
from psycopg import OperationalError
from sqlalchemy import func, select

from app.crews.models import CrewMember, CrewRegion
from app.identity import service as identity
from app.identity.models import Person, SignedIn
from app.identity.queries.logins import STANDING, standing_in
from app.kernel.actor import Actor
from app.kernel.headers import GUARD
from app.kernel.lookups import Lookup
from app.kernel.observe import OBSERVED, Observed
from app.kernel.problems import Problem
from app.kernel.unit_of_work import Runtime
from app.kernel.web import bearer_token
from app.sync.collection import SCHEMA_VERSION
from app.sync.placement import buckets_of_actor
from mobile_sync.adapters import texts
from mobile_sync.adapters.bodies import packed
from mobile_sync.adapters.idle import idle_columns, idle_page, idle_request, is_due
from mobile_sync.adapters.sql import acknowledge
from mobile_sync.protocol import Page, PullRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

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
_SHOWN = Lookup("shown", STANDING)

PULL = "/sync/v1/pull"
MOST_BYTES = 16_384  # with more cursors than go in here a tablet is asked about by the route
KNOWN = "lamplighter.sync.known"  # where in a request's environment the route finds who asks


class IdlePolls:
    """Stands before Flask, which spends twice on finding a view and making an answer what the answer costs.

    What is not plainly an idle poll goes on to the route as it came; the route says what is wrong with it.
    """

    def __init__(self, app: Flask) -> None:
        self._app, self._behind = app, app.wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """As any request is answered: numbered, counted, with a line in the log."""
        if environ["REQUEST_METHOD"] != "POST" or environ.get("PATH_INFO") != PULL:
            return self._behind(environ, start_response)
        runtime = cast(Runtime, self._app.extensions["lamplighter"])
        observed = environ[OBSERVED] = Observed(environ.get("HTTP_X_REQUEST_ID", ""), runtime.new_id)
        try:
            told = _told(runtime, environ)
        except Exception:  # the route says what is broken, if it is for it too
            log.exception("an idle poll goes the long way", extra={"request_id": observed.request_id})
            told = None
        if told is None:
            return self._behind(environ, start_response)
        actor, page = told
        body, headers = packed(texts.page(page), environ.get("HTTP_ACCEPT_ENCODING"))
        length = {"Content-Length": str(len(body)), "X-Request-Id": observed.request_id}
        start_response("200 OK", [*{**GUARD, **headers, **length}.items()])
        observed.answered("POST", PULL, 200, request_id=observed.request_id, person_id=actor.person_id)
        observed.close()
        return [body]


def _told(runtime: Runtime, environ: WSGIEnvironment) -> tuple[Actor, Page] | None:
    token = bearer_token(environ.get("HTTP_AUTHORIZATION", ""))
    request = idle_request(_body(environ), environ.get("HTTP_CONTENT_ENCODING")) if token else None
    if request is None:
        return None
    actor, page = _asked(runtime, token, request)
    if actor is not None and page is not None:
        return actor, page
    environ[KNOWN] = actor  # who goes the long way need not be looked up again
    return None


def _asked(runtime: Runtime, token: str, request: PullRequest) -> tuple[Actor | None, Page | None]:
    """Who asks, if they may pull, and the page, if nothing has changed for them."""
    now = runtime.clock()
    row = runtime.look_up(_ASK, {**identity.shown(token), "keys": sorted(request.cursors)})
    actor = None if row is None else _tablet_of(row, now)
    if actor is None or actor.device_id is None or actor.device_revoked:
        return None, None
    page = idle_page(row, request, buckets_of_actor(actor, row.crews or (), row.regions or ()), now, SCHEMA_VERSION)
    if page is not None and is_due(row, request, now):
        with runtime.sessions.begin() as session:
            acknowledge(session, actor.device_id, request, now)
    return actor, page


def _body(environ: WSGIEnvironment) -> bytes:
    """The body, left for the route to read again; nothing if it is not plainly a small one."""
    announced = environ.get("CONTENT_LENGTH", "")
    if not announced.isdecimal() or int(announced) > MOST_BYTES:
        return b""
    raw: bytes = environ["wsgi.input"].read(int(announced))
    environ["wsgi.input"] = BytesIO(raw)
    return raw


def tablet_showing(runtime: Runtime, token: str) -> Actor | None:
    """Whose tablet shows this token, by a statement that needs no transaction; None: ask properly."""
    try:
        row = runtime.look_up(_SHOWN, identity.shown(token))
    except OperationalError:  # the database was away; the long way looks whether it is back
        return None
    return None if row is None else _tablet_of(row, runtime.clock())


def _tablet_of(row: Any, now: datetime) -> Actor | None:
    try:
        actor = identity.actor_standing(standing_in(vars(row)), now)
    except Problem:
        return None
    return None if actor.device_id is None else actor
