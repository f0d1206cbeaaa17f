"""Logins begin and end: browser sessions and token pairs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.identity import rules, secrets
from app.identity.models import Person, SessionKind, SignedIn
from app.identity.queries import logins as queries
from app.identity.service.actors import COOKIE, actor_of
from app.identity.service.passwords import prove_password
from app.identity.service.trail import audit
from app.kernel.unit_of_work import UnitOfWork
from app.kernel.web import presented_token, refuse_foreign_origin


@dataclass(frozen=True)
class TokenPair:
    """What an integrator or a tablet signs in with. `access_expires_in` in seconds."""

    access_token: str
    access_expires_in: int
    refresh_token: str
    session_id: UUID
    person_id: UUID


def sign_in_browser(uow: UnitOfWork, *, login: str, password: str, address: str | None) -> str:
    """Sign in from a browser of our own pages; returns the cookie's token.

    Raises:
        ForeignOrigin: the form was sent from another site.
        WrongPassword, TooManyLogins: as `prove_password`.
    """
    refuse_foreign_origin(uow.runtime.settings.public_origin)
    person = prove_password(uow, login=login, password=password, address=address)
    token = open_browser_session(uow, person)
    uow.actor = actor_of(uow, person.id)
    audit(uow, "signed_in", "person", person.id, {"kind": SessionKind.BROWSER.value})
    return token


def sign_in_api(uow: UnitOfWork, *, login: str, password: str, address: str | None) -> TokenPair:
    """Sign in as an integrator; returns the first token pair.

    Raises:
        WrongPassword, TooManyLogins: as `prove_password`.
    """
    person = prove_password(uow, login=login, password=password, address=address)
    pair = open_token_session(uow, person)
    audit(
        uow,
        "signed_in",
        "person",
        person.id,
        {"kind": SessionKind.API.value},
        branch_id=person.branch_id,
        person_id=person.id,
    )
    return pair


def forget_stale(uow: UnitOfWork) -> None:
    """Housekeeping: failure counts after a day, ended logins after a month (the trail keeps what happened)."""
    queries.forget_stale(
        uow.session, failures_before=uow.now - timedelta(days=1), logins_before=uow.now - timedelta(days=30)
    )


def open_browser_session(uow: UnitOfWork, person: Person) -> str:
    """Start a browser's login for somebody who has proved who they are; returns the cookie's token."""
    token = secrets.new_browser_token()
    _open(uow, person.id, SessionKind.BROWSER, session_id=uow.new_id(), access=token)
    return token


def open_token_session(uow: UnitOfWork, person: Person, *, device_id: UUID | None = None) -> TokenPair:
    """Start a login with a token pair: a tablet's when `device_id` is given, an integrator's otherwise."""
    session_id = uow.new_id()
    access = secrets.access_token(uow.runtime.settings.secret_key, session_id, 0)
    kind = SessionKind.DEVICE if device_id else SessionKind.API
    return pair_of(uow, _open(uow, person.id, kind, session_id=session_id, access=access, device_id=device_id))


def _open(
    uow: UnitOfWork,
    person_id: UUID,
    kind: SessionKind,
    *,
    session_id: UUID,
    access: str,
    device_id: UUID | None = None,
) -> SignedIn:
    ends = rules.session_ends(kind, now=uow.now, started=uow.now)
    login = SignedIn(
        id=session_id,
        person_id=person_id,
        kind=kind,
        device_id=device_id,
        access_hash=secrets.digest(access),
        access_expires_at=rules.access_ends(kind, now=uow.now, ends=ends),
        generation=0,
        refreshed_at=uow.now,
        started_at=uow.now,
        expires_at=ends,
    )
    uow.session.add(login)
    return login


def pair_of(uow: UnitOfWork, login: SignedIn) -> TokenPair:
    """The tokens of a login's present generation."""
    key = uow.runtime.settings.secret_key
    return TokenPair(
        access_token=secrets.access_token(key, login.id, login.generation),
        access_expires_in=int((login.access_expires_at - uow.now).total_seconds()),
        refresh_token=secrets.refresh_token(key, login.id, login.generation),
        session_id=login.id,
        person_id=login.person_id,
    )


def sign_out_browser(uow: UnitOfWork) -> None:
    """End the login of the cookie that was sent; none, unknown or ended before is as good.

    Raises:
        ForeignOrigin: another site tried to sign the person out.
    """
    token, _ = presented_token(COOKIE)
    refuse_foreign_origin(uow.runtime.settings.public_origin)
    login = queries.login_by_token(uow.session, secrets.digest(token))
    if login is not None and login.revoked_at is None:
        login.revoked_at = uow.now
        audit(uow, "signed_out", "person", login.person_id, person_id=login.person_id)
