"""Who is asking: the actor behind a token or a person."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.identity import rules, secrets
from app.identity.errors import SignInAgain
from app.identity.models import DeviceState
from app.identity.queries import logins as queries
from app.identity.queries.logins import Standing
from app.kernel.actor import NOBODY, Actor
from app.kernel.problems import TokenExpired
from app.kernel.unit_of_work import UnitOfWork
from app.kernel.web import is_unsafe, presented_token, refuse_foreign_origin

COOKIE = "session"


def authenticate(uow: UnitOfWork) -> Actor:
    """The actor of the present HTTP request: bearer token or cookie; NOBODY when it shows neither or an unknown one.

    Raises:
        ForeignOrigin: a cookie on an unsafe request that did not come from our own pages.
        TokenExpired: the token was genuine once.
        SignInAgain: the login was ended.
    """
    token, is_cookie = presented_token(COOKIE)
    if not token:
        return NOBODY
    if is_cookie and is_unsafe():
        refuse_foreign_origin(uow.runtime.settings.public_origin)
    return actor_by_token(uow, token)


def actor_by_token(uow: UnitOfWork, token: str) -> Actor:
    """The actor a token stands for; knows no HTTP. One statement, and a write once a minute for browsers.

    Raises:
        TokenExpired: the token was genuine once.
        SignInAgain: the login was ended.
    """
    standing = queries.standing_by_token(uow.session, secrets.digest(token))
    if standing is None:
        return NOBODY
    actor = actor_standing(standing, uow.now)
    until = rules.slides(standing.kind, now=uow.now, access_expires_at=standing.access_expires_at, ends=standing.ends)
    if until:
        queries.slide(uow.session, standing.session_id, until)
    return actor


def shown(token: str) -> dict[str, bytes]:
    """What `STANDING` binds to find the login of a token."""
    return {"access_hash": secrets.digest(token)}


def actor_standing(standing: Standing, now: datetime) -> Actor:
    """The actor a login stands for now.

    Raises:
        TokenExpired, SignInAgain: as `actor_by_token`.
    """
    if standing.revoked_at is not None or not standing.active or now >= standing.ends:
        raise SignInAgain
    if now >= standing.access_expires_at:
        raise TokenExpired
    return Actor(
        person_id=standing.person_id,
        grants=rules.granted(standing.grants),
        roles=frozenset(role.value for role, _ in standing.grants),
        home_branch_id=standing.home_branch_id,
        session_id=standing.session_id,
        device_id=standing.device_id,
        device_revoked=standing.device_state not in {None, DeviceState.ACTIVE},
        device_wipe=standing.device_state is DeviceState.WIPE,
        locale=standing.locale,
    )


def actor_of(uow: UnitOfWork, person_id: UUID) -> Actor:
    """The actor a person is, without a login: for tasks and for the command line.

    Raises:
        NotFound: there is no such person.
    """
    person, grants = queries.person_with_grants(uow.session, person_id)
    return Actor(
        person_id=person.id,
        grants=rules.granted(grants),
        roles=frozenset(role.value for role, _ in grants),
        home_branch_id=person.branch_id,
        locale=person.locale,
    )
