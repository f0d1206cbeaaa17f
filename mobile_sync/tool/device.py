"""The device of a state file: who it is, its clock, its way to the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mobile_sync.link import HttpLink, Refused
from mobile_sync.sqlite_storage import SqliteStorage
from mobile_sync.tablet import Tablet
from mobile_sync.wire import write_time

LOGIN, SERVER_KEYS = "login", "server_keys"
APP_VERSION = "mobile_sync"


class NotEnrolled(Exception):
    """The state file has no login."""


class BadReceipt(Exception):
    """A receipt that is not of this server, or not for this device."""


@dataclass(frozen=True)
class ToolDevice:
    """A tablet and its link."""

    storage: SqliteStorage
    tablet: Tablet
    link: HttpLink


def clock() -> datetime:
    """Of the machine; a device's clock decides nothing (P13)."""
    return datetime.now(UTC)  # noqa: TID251 - a program of its own, outside of any unit of work


@contextmanager
def opened(state: Path) -> Iterator[ToolDevice]:
    """The device of a state file.

    Raises:
        NotEnrolled: nobody has signed in on it.
    """
    with SqliteStorage(state) as storage:
        login = storage.noted(LOGIN)
        if login is None:
            raise NotEnrolled(f"{state} has no login: run `enrol` first")
        link = HttpLink(login["server"], login["token"], renew=lambda: _renewed(storage))
        tablet = Tablet(link, clock, schema_version=login["schema_version"], storage=storage, snapshot=link.snapshot)
        tablet.app_version = APP_VERSION
        yield ToolDevice(storage, tablet, link)


def enrol_with_token(state: Path, server: str, token: str, schema_version: int) -> dict[str, Any]:
    """A host that gives out tokens by its own means."""
    login = {"server": _base(server), "token": token, "schema_version": schema_version}
    with SqliteStorage(state) as storage:
        storage.note(LOGIN, login)
    return {"server": login["server"]}


def enrol_with_code(state: Path, server: str, answers: dict[str, str], schema_version: int) -> dict[str, Any]:
    """A host that binds the session to a key of the device. `answers`: login, password, code, name.

    Raises:
        Refused: as the server said.
    """
    from mobile_sync.device_key import DeviceKey  # noqa: PLC0415 - the only part that needs `cryptography`

    key = DeviceKey.made()
    told = HttpLink(_base(server), "")("enrol", {**answers, "public_key": key.jwk()})
    login = {
        "server": _base(server),
        "token": told["access_token"],
        "refresh_token": told["refresh_token"],
        "device_id": told["device_id"],
        "person_id": (told.get("person") or {}).get("id"),
        "key": key.pem(),
        "schema_version": schema_version,
    }
    with SqliteStorage(state) as storage:
        storage.note(LOGIN, login)
        storage.note(SERVER_KEYS, _keys_of(HttpLink(login["server"], login["token"])))
    return {"server": login["server"], "device_id": login["device_id"]}


def _keys_of(link: HttpLink) -> Mapping[str, Any] | None:
    """What bundles are sealed to, fetched while there is a link (V3); None where the host takes no bundles."""
    try:
        return link.get("keys")
    except Refused:
        return None


def _renewed(storage: SqliteStorage) -> str | None:
    """New tokens for a device with a key (W7); the old refresh token stays good until their answer has arrived."""
    login = storage.noted(LOGIN)
    if "key" not in login:
        return None
    from mobile_sync.device_key import DeviceKey  # noqa: PLC0415 - as above

    body = DeviceKey.read(login["key"]).refresh(login["device_id"], login["refresh_token"], write_time(clock()))
    try:
        told = HttpLink(login["server"], "")("session", body)
    except Refused:
        return None
    tokens = {"token": told["access_token"], "refresh_token": told["refresh_token"]}
    storage.note(LOGIN, {**login, **tokens})
    return str(tokens["token"])


def _base(server: str) -> str:
    return server if server.endswith("/") else f"{server}/"
