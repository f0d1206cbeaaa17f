"""What tests are given: branches, people, signed-in clients, verbs run as somebody. Plain functions over a session.

Every function commits, so that the application under test (on the same outer transaction) sees the rows.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from flask.testing import FlaskClient
from shapely.geometry import MultiPolygon, box
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.identity import device_keys
from app.identity import service as identity
from app.identity.models import Branch, Device, DeviceState, Person, Role, RoleGrant
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime, UnitOfWork

PASSWORD = "correct-horse-battery"
CENTRE = (120.10, 30.20)  # longitude, latitude of an invented town's middle
HALF_WIDTH_DEG = 0.10  # about 10 km
A_WHILE_AGO = datetime(2026, 1, 1, tzinfo=UTC)

_numbers = count(1)
_keys = count(1)


def around(centre: tuple[float, float] = CENTRE) -> MultiPolygon:
    """A square area, about 20 km wide, around longitude and latitude."""
    lon, lat = centre
    return MultiPolygon([box(lon - HALF_WIDTH_DEG, lat - HALF_WIDTH_DEG, lon + HALF_WIDTH_DEG, lat + HALF_WIDTH_DEG)])


def given_branch(session: Session, code: str = "LH", *, centre: tuple[float, float] = CENTRE) -> Branch:
    """A synthetic branch whose area lies around `centre`."""
    branch = Branch(
        id=new_id(),
        code=code,
        name_zh=f"{code}供电供气公司",
        name_en=f"{code} Power and Gas",
        timezone="Asia/Shanghai",
        boundary=around(centre),
        synthetic=True,
    )
    session.add(branch)
    session.commit()
    return branch


def given_person(
    session: Session,
    branch: Branch,
    login: str | None = "dispatcher",
    roles: Iterable[Role] = (Role.DISPATCHER,),
    **fields: Any,
) -> Person:
    """Somebody who works in the branch with these roles there; their password is `PASSWORD`."""
    number = next(_numbers)
    person = Person(
        id=new_id(),
        branch_id=branch.id,
        login=login,
        password_hash=None if login is None else password_hash(PASSWORD),
        **{
            "staff_no": f"T{number:05d}",
            "name": f"测试{number}",
            "name_en": f"Tester {number}",
            "phone": f"139{number:08d}",
            "locale": "zh-CN",
            "active": True,
            **fields,
        },
    )
    session.add(person)
    session.flush()  # the grants' foreign key needs the row
    session.add_all(
        RoleGrant(id=new_id(), branch_id=branch.id, person_id=person.id, role=role) for role in dict.fromkeys(roles)
    )
    session.commit()
    return person


@cache
def password_hash(password: str) -> str:
    """Argon2id as cheap as it gets, once a run: the product's own parameters have their own test."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


@contextmanager
def acting(runtime: Runtime, person: Person) -> Iterator[UnitOfWork]:
    """A unit of work with this person's rights, for calling verbs without HTTP."""
    with runtime.unit_of_work() as uow:
        uow.actor = identity.actor_of(uow, person.id)  # which narrows, as a door does
        yield uow


class Client(FlaskClient):
    """A test client that puts a fresh Idempotency-Key on each write, unless told `key=None` or a key of its own."""

    def open(self, *args: Any, key: str | None = "", **kwargs: Any) -> TestResponse:
        """Send a request; see werkzeug's test client for the arguments."""
        headers = dict(kwargs.pop("headers", None) or {})
        if key is not None and kwargs.get("method", "GET") not in {"GET", "HEAD", "OPTIONS"}:
            headers.setdefault("Idempotency-Key", key or f"test-key-{next(_keys):06d}")
        return super().open(*args, headers=headers, **kwargs)


def visitor(app: Flask) -> Client:
    """Somebody who has not signed in."""
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    return client


def signed_in(app: Flask, person: Person) -> Client:
    """A browser in which this person has signed in. The password door has tests of its own."""
    runtime: Runtime = app.extensions["lamplighter"]
    with runtime.unit_of_work() as uow:
        token = identity.open_browser_session(uow, person)
    client = visitor(app)
    client.set_cookie(identity.COOKIE, token, domain="localhost")
    return client


def bearer(app: Flask, person: Person) -> dict[str, str]:
    """The Authorization header of an integrator signed in as this person."""
    runtime: Runtime = app.extensions["lamplighter"]
    with runtime.unit_of_work() as uow:
        pair = identity.open_token_session(uow, person)
    return {"Authorization": f"Bearer {pair.access_token}"}


class TabletKey:
    """The key a tablet makes for itself, and how WebCrypto signs with it: raw r||s, base64url."""

    def __init__(self) -> None:
        self._private = generate_private_key(SECP256R1())

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half as WebCrypto exports it."""
        numbers = self._private.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": _base64url(numbers.x.to_bytes(32)),
            "y": _base64url(numbers.y.to_bytes(32)),
            "ext": True,
            "key_ops": ["verify"],
        }

    def sign(self, message: str) -> str:
        """A signature over the message."""
        return _base64url(self.sign_raw(message.encode()))

    def sign_raw(self, message: bytes) -> bytes:
        """The same, 64 bytes."""
        r, s = decode_dss_signature(self._private.sign(message, ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Tablet:
    """An enrolled tablet with somebody signed in on it."""

    device_id: str
    key: TabletKey
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header of its requests."""
        return {"Authorization": f"Bearer {self.access_token}"}


def given_tablet(app: Flask, session: Session, person: Person) -> Tablet:
    """A tablet of the person's branch on which they have signed in. Enrolment through HTTP has tests of its own."""
    key = TabletKey()
    runtime: Runtime = app.extensions["lamplighter"]
    device = Device(
        id=new_id(),
        branch_id=person.branch_id,
        name="测试平板",
        public_key=device_keys.public_jwk(key.jwk),
        key_thumbprint=device_keys.thumbprint(key.jwk),
        state=DeviceState.ACTIVE,
        enrolled_by=person.id,
        enrolled_at=runtime.clock(),
        person_id=person.id,
    )
    session.add(device)
    session.commit()
    with runtime.unit_of_work() as uow:
        pair = identity.open_token_session(uow, person, device_id=device.id)
    return Tablet(str(device.id), key, pair.access_token, pair.refresh_token)
