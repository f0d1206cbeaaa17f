"""The same shop in memory, and in PostgreSQL. Every rule of the protocol is tested on both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from mobile_sync.adapters.epochs import new_epoch
from mobile_sync.adapters.tables import record_version, sync_conflict
from mobile_sync.collection import Change
from mobile_sync.protocol import Bucket, FieldError, Rejected, Result
from mobile_sync.tablet import Tablet
from mobile_sync.testing import MemoryCollection, MemoryServer
from tests.mobile_sync.sample import RULES, Shop, delete_note, save_note


class World(Protocol):
    """What the tests need of a server."""

    clock: Any

    def tablet(self, *shelves: str) -> Tablet:
        """An enrolled device with these shelves."""

    def scope(self, tablet: Tablet, *shelves: str) -> None:
        """Other shelves from now on."""

    def save(self, rec_id: UUID, **fields: Any) -> int:
        """The desk writes; returns the revision."""

    def delete(self, rec_id: UUID) -> int:
        """The desk deletes."""

    def revoke(self, tablet: Tablet) -> None:
        """The device is lost."""

    def alarms(self) -> list[Result]:
        """What the application was told."""

    def conflicts(self) -> list[dict[str, Any]]:
        """Open conflicts: field, base, theirs, mine, op_no."""

    def history(self, rec_id: UUID) -> list[Mapping[str, Any]]:
        """The patches of a record, oldest first."""

    def restore(self) -> None:
        """The database is not the one it was."""


def _guard(change: Change) -> None:
    if change.fields.get("title") == "forbidden":
        raise Rejected("no_note", FieldError("title", "forbidden"))
    if change.fields.get("title") == "breaks":
        raise RuntimeError("the application has a bug")


def _placed(fields: Mapping[str, Any]) -> set[str]:
    return {f"shelf:{fields.get('shelf', 'a')}"}


class MemoryWorld:
    """In memory."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        notes = MemoryCollection("note", RULES, _placed, _guard, schema_versions=(1, 2))
        self.server = MemoryServer({"note": notes}, clock, uuid7)
        self.devices: dict[int, UUID] = {}

    def tablet(self, *shelves: str) -> Tablet:
        """A device."""
        device_id = uuid7()
        tablet = Tablet(self.server.post(device_id), self.clock)
        self.devices[id(tablet)] = device_id
        self.scope(tablet, *shelves)
        return tablet

    def scope(self, tablet: Tablet, *shelves: str) -> None:
        """Its shelves."""
        self.server.scopes[self.devices[id(tablet)]] = [Bucket(f"shelf:{shelf}") for shelf in sorted(shelves)]

    def save(self, rec_id: UUID, **fields: Any) -> int:
        """By the desk."""
        return self.server.write("note", rec_id, fields)

    def delete(self, rec_id: UUID) -> int:
        """By the desk."""
        return self.server.write("note", rec_id, {}, deleted=True)

    def revoke(self, tablet: Tablet) -> None:
        """Lost."""
        self.server.revoked.add(self.devices[id(tablet)])

    def alarms(self) -> list[Result]:
        """Told."""
        return list(self.server.state.alarms)

    def conflicts(self) -> list[dict[str, Any]]:
        """Open ones."""
        return [
            {"field": one.field, "theirs": one.theirs, "mine": one.mine, "op_no": one.op.op_no}
            for one in (held.clash for held in self.server.state.contests.values())
        ]

    def history(self, rec_id: UUID) -> list[Mapping[str, Any]]:
        """Patches."""
        return [one.patch for one in self.server.state.versions.get(("note", rec_id), ())]

    def restore(self) -> None:
        """Another life."""
        self.server.life += "+"


class SqlWorld:
    """In PostgreSQL."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.clock = shop.clock
        self.devices: dict[int, UUID] = {}

    def tablet(self, *shelves: str) -> Tablet:
        """A device."""
        device_id = uuid7()
        tablet = Tablet(self.shop.post(device_id), self.clock)
        self.devices[id(tablet)] = device_id
        self.scope(tablet, *shelves)
        return tablet

    def scope(self, tablet: Tablet, *shelves: str) -> None:
        """Its shelves."""
        self.shop.scopes[self.devices[id(tablet)]] = set(shelves)

    def save(self, rec_id: UUID, **fields: Any) -> int:
        """By the desk, in a transaction."""
        with self.shop.unit() as ctx:
            return save_note(ctx, rec_id, fields)

    def delete(self, rec_id: UUID) -> int:
        """By the desk, in a transaction."""
        with self.shop.unit() as ctx:
            return delete_note(ctx, rec_id)

    def revoke(self, tablet: Tablet) -> None:
        """Lost."""
        self.shop.revoked.add(self.devices[id(tablet)])
        tablet.post = self.shop.post(self.devices[id(tablet)])

    def alarms(self) -> list[Result]:
        """Told."""
        return list(self.shop.alarms)

    def conflicts(self) -> list[dict[str, Any]]:
        """Open ones."""
        row = sync_conflict.c
        query = select(row.field, row.theirs, row.mine, row.op_no).where(row.state == "open").order_by(row.raised_at)
        with self.shop.unit() as ctx:
            return [dict(found) for found in ctx.session.execute(query).mappings()]

    def history(self, rec_id: UUID) -> list[Mapping[str, Any]]:
        """Patches."""
        row = record_version.c
        with self.shop.unit() as ctx:
            return list(ctx.session.scalars(select(row.patch).where(row.rec_id == rec_id).order_by(row.rev)))

    def restore(self) -> None:
        """Another life."""
        with self.shop.unit() as ctx:
            new_epoch(ctx.session)
