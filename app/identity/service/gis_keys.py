"""Keys with which GIS programs read maps: made by oneself, shown once, for a time, revocable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from app.identity import rules, secrets
from app.identity.errors import SignInAgain, TooManyGisKeys
from app.identity.models import GisKey
from app.identity.queries import gis_keys as queries
from app.identity.service.actors import authenticate
from app.identity.service.trail import audit
from app.kernel.actor import Actor, Permission
from app.kernel.problems import Unauthenticated
from app.kernel.unit_of_work import UnitOfWork
from app.kernel.web import presented_password


def authenticate_gis(uow: UnitOfWork) -> Actor:
    """The actor of a request at a door that GIS programs may use: a key (HTTP Basic or Bearer), else any other login.

    Raises:
        SignInAgain: the key is unknown, has ended or was revoked, or its maker's account was closed.
    """
    password = presented_password()
    return _holder(uow, password) if password.startswith(secrets.GIS_KEY_PREFIX) else authenticate(uow)


def _holder(uow: UnitOfWork, secret: str) -> Actor:
    holder = queries.holder_of(uow.session, secrets.digest(secret))
    if holder is None or not holder.person.active or not is_good(holder.key, uow):
        raise SignInAgain
    actor = Actor(
        person_id=holder.person.id,
        grants=rules.shown_to_gis(rules.granted(holder.grants)),
        home_branch_id=holder.person.branch_id,
        locale=holder.person.locale,
    )
    since = uow.now - rules.NOTE_GIS_USE_EVERY
    if queries.note_use(uow.session, holder.key.id, now=uow.now, unless_since=since):
        audit(
            uow, "gis_key_used", "gis_key", holder.key.id, branch_id=holder.person.branch_id, person_id=actor.person_id
        )
    return actor


def is_good(key: GisKey, uow: UnitOfWork) -> bool:
    """Whether a key still opens anything."""
    return key.revoked_at is None and uow.now < key.expires_at


def own_keys(uow: UnitOfWork) -> Sequence[GisKey]:
    """The caller's keys, the newest first."""
    return queries.keys_of(uow.session, _me(uow))


def make_key(uow: UnitOfWork, *, name: str, days: int) -> tuple[GisKey, str]:
    """A key of the caller's own and its secret, which is never shown again.

    Raises:
        Forbidden: the caller may see no map.
        TooManyGisKeys: they have 20 good ones.
    """
    uow.actor.must_somewhere(Permission.READ_MAP)
    if sum(is_good(key, uow) for key in own_keys(uow)) >= rules.MOST_GIS_KEYS:
        raise TooManyGisKeys(most=rules.MOST_GIS_KEYS)
    secret = secrets.new_gis_key()
    key = GisKey(
        id=uow.new_id(),
        branch_id=uow.actor.home_branch_id,
        person_id=_me(uow),
        name=name,
        key_hash=secrets.digest(secret),
        made_at=uow.now,
        expires_at=uow.now + timedelta(days=days),
    )
    uow.session.add(key)
    audit(uow, "gis_key_made", "gis_key", key.id, {"days": days})
    return key, secret


def revoke_key(uow: UnitOfWork, key_id: UUID) -> None:
    """End a key of the caller's own; one that has ended stays as it is.

    Raises:
        NotFound: no such key of theirs.
    """
    key = queries.own_key(uow.session, key_id, _me(uow))
    if key.revoked_at is None:
        key.revoked_at = uow.now
        audit(uow, "gis_key_revoked", "gis_key", key.id)


def _me(uow: UnitOfWork) -> UUID:
    if uow.actor.person_id is None:
        raise Unauthenticated
    return uow.actor.person_id
