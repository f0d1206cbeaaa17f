"""Refresh tokens rotate; a lost answer is given again, a copied token ends its login."""

from __future__ import annotations

from uuid import UUID

from app.identity import rules, secrets
from app.identity.errors import SignInAgain, TokenReplayed, WrongSignature
from app.identity.models import SessionKind, SignedIn
from app.identity.queries import logins as queries
from app.identity.service.logins import TokenPair, pair_of
from app.identity.service.trail import audit
from app.kernel.unit_of_work import UnitOfWork


def refresh(uow: UnitOfWork, token: str) -> TokenPair:
    """The next token pair of an integrator.

    Raises:
        SignInAgain: not genuine, ended or expired.
        TokenReplayed: used before; the login is ended.
    """
    login, generation = _login_of_refresh_token(uow, token)
    if login.kind is not SessionKind.API:
        raise SignInAgain
    return _answer_refresh(uow, login, generation, proven=False)


def refresh_device(uow: UnitOfWork, token: str, *, device_id: UUID, proven: bool) -> TokenPair:
    """The next token pair of a tablet, or the same again when the answer to the token before was lost.

    Raises:
        SignInAgain: not genuine, ended or expired.
        WrongSignature: the newest token without a good signature; nothing changes.
        TokenReplayed: an older token without one; the login is ended.
    """
    login, generation = _login_of_refresh_token(uow, token)
    if login.device_id != device_id:
        raise SignInAgain
    if generation == login.generation and not proven:
        raise WrongSignature
    return _answer_refresh(uow, login, generation, proven=proven)


def _login_of_refresh_token(uow: UnitOfWork, token: str) -> tuple[SignedIn, int]:
    read = secrets.read_refresh_token(uow.runtime.settings.secret_key, token)
    login = queries.lock_login(uow.session, read[0]) if read else None
    if read is None or login is None or login.revoked_at is not None or login.expires_at <= uow.now:
        raise SignInAgain
    return login, read[1]


def _answer_refresh(uow: UnitOfWork, login: SignedIn, generation: int, *, proven: bool) -> TokenPair:
    decision = rules.refresh_decision(current=login.generation, presented=generation, proven=proven)
    if decision is rules.Refresh.REVOKE:
        login.revoked_at = uow.now
        audit(uow, "token_replayed", "person", login.person_id, person_id=login.person_id)
        raise TokenReplayed
    if decision is rules.Refresh.SIGN_IN:
        raise SignInAgain
    if decision is rules.Refresh.ROTATE:
        login.generation += 1
        login.access_hash = secrets.digest(
            secrets.access_token(uow.runtime.settings.secret_key, login.id, login.generation)
        )
    login.refreshed_at = uow.now
    login.expires_at = rules.session_ends(login.kind, now=uow.now, started=login.started_at)
    login.access_expires_at = rules.access_ends(login.kind, now=uow.now, ends=login.expires_at)
    return pair_of(uow, login)
