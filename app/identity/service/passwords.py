"""The password door, and the waiting in front of it."""

from __future__ import annotations

from uuid import UUID

from app.identity import rules, secrets
from app.identity.errors import TooManyLogins, WrongPassword
from app.identity.models import LoginThrottle, Person
from app.identity.queries import logins as queries
from app.identity.queries import people as people_queries
from app.identity.service.trail import audit
from app.kernel.unit_of_work import UnitOfWork


def prove_password(
    uow: UnitOfWork, *, login: str, password: str, address: str | None, branch_id: UUID | None = None
) -> Person:
    """The person with this login and password, of this branch if one is named.

    Costs the same time whether or not the login exists.

    Raises:
        TooManyLogins: this login or this address must wait.
        WrongPassword: the failure is counted and kept in the audit trail.
    """
    subjects = _throttle_subjects(uow, login, address)
    counts = _must_not_wait(uow, list(subjects))
    person = people_queries.person_by_login(uow.session, login)
    fits = secrets.password_fits(person.password_hash if person else None, password)
    if person is None or not fits or not _may_enter(person, branch_id):
        _count_failure(uow, subjects)
        _note_failure(uow, person)
        raise WrongPassword
    if own := counts.get(next(iter(subjects))):
        uow.session.delete(own)
    if secrets.is_outdated(person.password_hash or ""):
        person.password_hash = secrets.hash_password(password)
    return person


def _may_enter(person: Person, branch_id: UUID | None) -> bool:
    return person.active and branch_id in {None, person.branch_id}


def _note_failure(uow: UnitOfWork, person: Person | None) -> None:
    """Without a name: what was typed into the login field may be a password."""
    who = None if person is None else person.id
    audit(uow, "login_failed", "person", who, branch_id=None if person is None else person.branch_id)


def _throttle_subjects(uow: UnitOfWork, login: str, address: str | None) -> dict[str, rules.Patience]:
    """The subjects that are counted, login first, with our patience for each."""
    key = uow.runtime.settings.secret_key
    return {
        secrets.pseudonym(key, f"login:{login.strip().lower()}"): rules.LOGIN_PATIENCE,
        secrets.pseudonym(key, f"address:{rules.network_of(address)}"): rules.ADDRESS_PATIENCE,
    }


def _must_not_wait(uow: UnitOfWork, subjects: list[str]) -> dict[str, LoginThrottle]:
    """The counts that there are."""
    counts = queries.throttles(uow.session, subjects)
    for row in counts.values():
        if row.locked_until is not None and row.locked_until > uow.now:
            raise TooManyLogins(retry_after_s=int((row.locked_until - uow.now).total_seconds()) + 1)
    return counts


def _count_failure(uow: UnitOfWork, subjects: dict[str, rules.Patience]) -> None:
    for subject, patience in subjects.items():
        row = queries.lock_throttle(uow.session, subject, uow.now)
        row.failures = rules.failures_after(row.failures, row.last_failure_at, uow.now)
        row.last_failure_at = uow.now
        wait = rules.wait_after(row.failures, patience)
        row.locked_until = uow.now + wait if wait else None
