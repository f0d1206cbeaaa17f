"""Tablets: enrolled once with a code and a key of their own, then known by that key; revoked by the office."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.identity import device_keys, rules, secrets
from app.identity.errors import DeviceKnown, EnrolmentCodeRefused, EraseNotOrdered, WrongSignature
from app.identity.models import Device, DeviceState, EnrolmentCode, Person, SessionKind
from app.identity.queries import logins as login_queries
from app.identity.queries import people as people_queries
from app.identity.queries import tablets as queries
from app.identity.service.logins import TokenPair, open_token_session
from app.identity.service.passwords import prove_password
from app.identity.service.refresh import refresh_device
from app.identity.service.trail import audit
from app.kernel.actor import Actor, Permission
from app.kernel.problems import DeviceRevoked, FieldError, Invalid, NotFound
from app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Enrolment:
    """A tablet's login: its tokens, who is signed in and in which crew."""

    device_id: UUID
    tokens: TokenPair
    person: Person
    crew: dict[str, Any] | None


@dataclass(frozen=True)
class DeviceView:
    """A tablet, how it fares and who is signed in on it."""

    device: Device
    health: queries.Health
    last_seen_at: datetime | None
    person_name: str | None
    person_name_en: str | None


def make_enrolment_code(uow: UnitOfWork, *, name: str, branch_id: UUID | None = None) -> tuple[str, datetime]:
    """A one-time code for a tablet of this name, and when it ends. The code is shown once and kept as a hash."""
    branch = branch_id or _home(uow)
    uow.actor.must(Permission.MANAGE_DEVICES, branch)
    code = secrets.new_enrolment_code()
    row = EnrolmentCode(
        id=uow.new_id(),
        branch_id=branch,
        code_hash=secrets.digest(code),
        device_name=name,
        made_by=uow.actor.person_id,
        made_at=uow.now,
        expires_at=uow.now + rules.ENROLMENT_CODE_LIFETIME,
    )
    uow.session.add(row)
    audit(uow, "enrolment_code_made", "enrolment_code", row.id, branch_id=branch)
    return code, row.expires_at


def _home(uow: UnitOfWork) -> UUID:
    branches = uow.actor.must_somewhere(Permission.MANAGE_DEVICES)
    home = uow.actor.home_branch_id
    if home is not None and home in branches:
        return home
    if len(branches) == 1:
        return branches[0]
    raise Invalid(FieldError("branch_id", "required"))


def enrol(
    uow: UnitOfWork,
    *,
    login: str,
    password: str,
    code: str,
    name: str,
    public_key: Mapping[str, Any],
    address: str | None,
) -> Enrolment:
    """Make a tablet known and sign the person in on it. Asked again with the same code and key, it answers again.

    Raises:
        EnrolmentCodeRefused: wrong, used by another tablet, too old, or of another branch than the person's.
        DeviceKnown: the key belongs to a tablet already.
        Invalid: not a P-256 public key.
        WrongPassword, TooManyLogins: as `prove_password`.
    """
    jwk = device_keys.public_jwk(public_key)
    person = prove_password(uow, login=login, password=password, address=address)
    row = queries.lock_code(uow.session, secrets.digest(code.strip().upper().replace("-", "")))
    if row is None or row.expires_at <= uow.now or row.branch_id != person.branch_id:
        audit(uow, "enrolment_refused", "person", person.id, branch_id=person.branch_id, person_id=person.id)
        raise EnrolmentCodeRefused(FieldError("code", "invalid"))
    known = queries.device_known_by_key(uow.session, device_keys.thumbprint(jwk))
    if row.used_at is not None and (known is None or known.id != row.device_id):
        raise EnrolmentCodeRefused(FieldError("code", "invalid"))
    if row.used_at is None and known is not None:
        raise DeviceKnown
    device = known or _new_device(uow, row, name, jwk)
    return _sign_in(uow, device, person, "device_enrolled" if known is None else "device_enrolled_again")


def _new_device(uow: UnitOfWork, code: EnrolmentCode, name: str, jwk: dict[str, str]) -> Device:
    device = Device(
        id=uow.new_id(),
        branch_id=code.branch_id,
        name=name.strip() or code.device_name,
        public_key=jwk,
        key_thumbprint=device_keys.thumbprint(jwk),
        state=DeviceState.ACTIVE,
        enrolled_by=code.made_by,
        enrolled_at=uow.now,
    )
    uow.session.add(device)
    uow.session.flush()  # the code's foreign key needs the row
    code.used_at = uow.now
    code.device_id = device.id
    return device


def _sign_in(uow: UnitOfWork, device: Device, person: Person, action: str) -> Enrolment:
    """One person at a time: whoever signs in on a tablet ends the login before."""
    login_queries.end_logins_of_device(uow.session, device.id, uow.now)
    device.person_id = person.id
    device.last_seen_at = uow.now
    audit(
        uow,
        action,
        "device",
        device.id,
        {"kind": SessionKind.DEVICE.value},
        branch_id=device.branch_id,
        person_id=person.id,
    )
    tokens = open_token_session(uow, person, device_id=device.id)
    return Enrolment(device.id, tokens, person, queries.crew_of(uow.session, person.id))


def sign_in_on_tablet(
    uow: UnitOfWork, *, device_id: UUID, login: str, password: str, nonce: str, signature: str, address: str | None
) -> Enrolment:
    """Sign a person in on a tablet that is enrolled; the signature is over `device_id.login.nonce`.

    Raises:
        WrongSignature: no such tablet, or not its key.
        DeviceRevoked: the office signed the tablet out.
        WrongPassword, TooManyLogins: as `prove_password`; also for a person of another branch.
    """
    device = _proven_device(uow, device_id, f"{device_id}.{login}.{nonce}", signature)
    if device.state is not DeviceState.ACTIVE:
        raise DeviceRevoked(wipe=device.state is DeviceState.WIPE)
    person = prove_password(uow, login=login, password=password, address=address, branch_id=device.branch_id)
    return _sign_in(uow, device, person, "signed_in_on_tablet")


def _proven_device(uow: UnitOfWork, device_id: UUID, message: str, signature: str) -> Device:
    device = queries.find_device(uow.session, device_id)
    if device is None or not device_keys.signed_by(device.public_key, message, signature):
        raise WrongSignature
    return device


def refresh_on_tablet(uow: UnitOfWork, *, device_id: UUID, refresh_token: str, nonce: str, signature: str) -> Enrolment:
    """The next tokens of a tablet; the signature is over `device_id.refresh_token.nonce`.

    A revoked tablet is answered too: its tokens let it deliver what it holds and nothing else.

    Raises:
        WrongSignature, SignInAgain, TokenReplayed: as `refresh_device`.
    """
    device = queries.find_device(uow.session, device_id)
    if device is None:
        raise WrongSignature
    proven = device_keys.signed_by(device.public_key, f"{device_id}.{refresh_token}.{nonce}", signature)
    tokens = refresh_device(uow, refresh_token, device_id=device_id, proven=proven)
    device.last_seen_at = uow.now
    person, _ = login_queries.person_with_grants(uow.session, tokens.person_id)
    return Enrolment(device_id, tokens, person, queries.crew_of(uow.session, person.id))


def origin_of(uow: UnitOfWork, device_id: UUID, person_id: UUID | None) -> tuple[dict[str, Any], Actor]:
    """The public key of the tablet that a sealed bundle says it is of, and who acts in it.

    That is whom it names, if they were ever signed in there, else who was last. Work of somebody whose account is
    closed waits for a person at the centre, like that of a revoked tablet.

    Raises:
        NotFound: no such tablet, or not one of those that somebody at a desk manages.
    """
    device = queries.find_device(uow.session, device_id)
    at_a_desk = uow.actor.device_id is None
    if device is None or (at_a_desk and not uow.actor.may(Permission.MANAGE_DEVICES, device.branch_id)):
        raise NotFound
    named = person_id is not None and login_queries.was_signed_in(uow.session, device_id, person_id)
    speaker = person_id if named else device.person_id
    if speaker is None:
        raise NotFound
    person, grants = login_queries.person_with_grants(uow.session, speaker)
    actor = Actor(
        person_id=person.id,
        grants=rules.granted(grants),
        roles=frozenset(role.value for role, _ in grants),
        home_branch_id=person.branch_id,
        device_id=device.id,
        device_revoked=device.state is not DeviceState.ACTIVE or not person.active,
        device_wipe=device.state is DeviceState.WIPE,
        locale=person.locale,
    )
    return device.public_key, actor


def note_bundle(uow: UnitOfWork, device_id: UUID, detail: dict[str, Any]) -> None:
    """A tablet's sealed work was brought, by whoever acts."""
    device = queries.find_device(uow.session, device_id)
    audit(uow, "bundle_taken", "device", device_id, detail, branch_id=device.branch_id if device else None)


def erased(uow: UnitOfWork, *, device_id: UUID, nonce: str, signature: str) -> None:
    """A tablet says that it has erased itself; the signature over `device_id.erased.nonce` was made before that.

    Raises:
        WrongSignature: no such tablet, or not its key.
        EraseNotOrdered: nobody asked it to.
    """
    device = _proven_device(uow, device_id, f"{device_id}.erased.{nonce}", signature)
    if device.state is not DeviceState.WIPE:
        raise EraseNotOrdered
    if device.wiped_at is None:
        device.wiped_at = uow.now
        login_queries.end_logins_of_device(uow.session, device.id, uow.now)
        audit(uow, "device_wiped", "device", device.id, branch_id=device.branch_id)


def list_devices(uow: UnitOfWork, *, cursor: str | None, limit: int) -> list[DeviceView]:
    """Tablets the actor manages, newest first, one more than `limit` when there are more."""
    branch_ids = uow.actor.must_somewhere(Permission.MANAGE_DEVICES)
    return _views(uow, queries.devices(uow.session, branch_ids=branch_ids, cursor=cursor, limit=limit))


def _views(uow: UnitOfWork, devices: Sequence[Device]) -> list[DeviceView]:
    names = people_queries.names_of(uow.session, [device.person_id for device in devices])
    health = queries.health_of(uow.session, [device.id for device in devices])
    return [_view(device, health.get(device.id, queries.Health()), names) for device in devices]


def _view(device: Device, health: queries.Health, names: dict[UUID, tuple[str, str]]) -> DeviceView:
    met = [at for at in (device.last_seen_at, health.last_sync_at) if at]
    name, name_en = names.get(device.person_id, (None, None)) if device.person_id else (None, None)
    return DeviceView(device, health, max(met, default=None), name, name_en)


def revoke_device(uow: UnitOfWork, device_id: UUID, *, wipe: bool = False) -> DeviceView:
    """Sign a tablet out for good. With `wipe` it seals what it has not sent and erases itself at the next contact."""
    device = queries.get_device(uow.session, device_id, branch_ids=uow.actor.branch_ids)
    uow.actor.must(Permission.MANAGE_DEVICES, device.branch_id)
    device.state = DeviceState.WIPE if wipe or device.wiped_at else DeviceState.REVOKED
    audit(uow, "device_revoked", "device", device.id, {"wipe": wipe}, branch_id=device.branch_id)
    return _views(uow, [device])[0]
