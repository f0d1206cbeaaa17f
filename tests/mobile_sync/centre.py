"""A tablet, and somebody at the centre who looks after what it sent: over the ledger in memory, and over PostgreSQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from mobile_sync.adapters.sql import SqlArchive
from mobile_sync.adapters.tables import record_version, sync_op, sync_repair
from mobile_sync.answers import write_result
from mobile_sync.collection import Change
from mobile_sync.memory.repair import MemoryArchive
from mobile_sync.protocol import Result, Verb
from mobile_sync.repair import Centre, Word
from mobile_sync.tablet import Tablet
from mobile_sync.testing import MemoryCollection, MemoryServer, Ticker
from tests.mobile_sync.sample import Notes, Shop, save_note
from tests.mobile_sync.worlds import MemoryWorld

SUPPORT = uuid7()


class Bench(ABC):
    """A tablet with shelf a, and somebody at the centre who looks after it."""

    device_id: UUID
    tablet: Tablet

    @abstractmethod
    def centre(self) -> AbstractContextManager[tuple[Centre[Any], datetime]]:
        """Somebody at work there, in one transaction, and its time."""

    @abstractmethod
    def revoke(self) -> None:
        """The device is lost."""

    @abstractmethod
    def mend(self) -> None:
        """The application has been mended meanwhile."""

    @abstractmethod
    def save(self, rec_id: UUID, **fields: Any) -> None:
        """The desk writes."""

    @abstractmethod
    def title(self, rec_id: UUID) -> Any:
        """Of a note, None where there is none."""

    @abstractmethod
    def versions(self, rec_id: UUID) -> list[tuple[int, UUID | None, int | None]]:
        """Revision, device and op of each."""

    @abstractmethod
    def received(self) -> dict[int, tuple[Any, bytes]]:
        """Ops as they lie in the ledger: body and digest."""

    @abstractmethod
    def said(self) -> list[Told]:
        """What was said at the centre, in order."""

    def say(self, verb: Verb, op_no: int, reason: str | None = None, **fields: Any) -> list[Result]:
        with self.centre() as (centre, now):
            word = Word(op_no, verb, SUPPORT, now, reason, fields or None)
            return centre.refuse(word) if verb is Verb.REFUSED else centre.judge_again(word)

    def replay(self, op_no: int) -> list[Result]:
        return self.say(Verb.REPLAYED, op_no)

    def repair(self, op_no: int, **fields: Any) -> list[Result]:
        return self.say(Verb.REPAIRED, op_no, "it was meant so", **fields)

    def refuse(self, op_no: int) -> list[Result]:
        return self.say(Verb.REFUSED, op_no, "a mistake")

    def asked(self, op_no: int) -> Mapping[str, Any]:
        """What the tablet is told when it asks again (P16)."""
        [result] = self.tablet.post("push", self.tablet.batch([self.op(op_no)]))["results"]
        return result

    def op(self, op_no: int) -> Mapping[str, Any]:
        return next(entry.op for entry in self.tablet.outbox.entries if entry.op_no == op_no)


class Told(NamedTuple):
    """A word of the centre, and what came of it."""

    op_no: int
    verb: str
    person_id: UUID | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    done: bool


class MemoryBench(Bench):
    """Over the ledger in memory."""

    def __init__(self, clock: Ticker) -> None:
        self.world = MemoryWorld(clock)
        self.tablet = self.world.tablet("a")
        self.device_id = self.world.devices[id(self.tablet)]

    @contextmanager
    def centre(self) -> Iterator[tuple[Centre[Any], datetime]]:
        server = self.world.server
        with server.transaction(server):
            archive = MemoryArchive(server, self.device_id)
            yield Centre(server, server, archive, self.device_id, lambda _: nullcontext()), server.clock()

    def revoke(self) -> None:
        self.world.revoke(self.tablet)

    def mend(self) -> None:
        class Mended(MemoryCollection):
            def apply(self, ctx: MemoryServer, change: Change) -> int:
                return super().apply(ctx, mended(change))

        notes = self.world.server.collections["note"]
        versions = notes.schema_versions
        sound = Mended(notes.entity, notes.rules, notes.placed, notes.guard, schema_versions=versions)
        self.world.server.collections = {"note": sound}

    def save(self, rec_id: UUID, **fields: Any) -> None:
        self.world.save(rec_id, **fields)

    def title(self, rec_id: UUID) -> Any:
        stored = self.world.server.state.records.get(("note", rec_id))
        return None if stored is None else stored.fields.get("title")

    def versions(self, rec_id: UUID) -> list[tuple[int, UUID | None, int | None]]:
        return [(one.rev, one.device_id, one.op_no) for one in self.world.server.state.versions[("note", rec_id)]]

    def received(self) -> dict[int, tuple[Any, bytes]]:
        ops = self.world.server.state.ops[self.device_id]
        return {number: (one.body, one.digest) for number, (one, _) in ops.items()}

    def said(self) -> list[Told]:
        return [
            Told(one.about[1], one.word.verb.value, one.word.person_id, *told(one.before, one.after), one.done)
            for one in self.world.server.state.spoken
        ]


def told(*results: Result) -> list[Mapping[str, Any]]:
    """As they are answered."""
    return [write_result(one) for one in results]


class SqlBench(Bench):
    """Over PostgreSQL."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.device_id = uuid7()
        shop.scopes[self.device_id] = {"a"}
        self.tablet = Tablet(shop.post(self.device_id), shop.clock)

    @contextmanager
    def centre(self) -> Iterator[tuple[Centre[Any], datetime]]:
        with self.shop.unit() as ctx:
            archive = SqlArchive(ctx.session, self.device_id)
            yield Centre(self.shop, ctx, archive, self.device_id, lambda _: nullcontext()), ctx.now

    def revoke(self) -> None:
        self.shop.revoked.add(self.device_id)
        self.tablet.post = self.shop.post(self.device_id)

    def mend(self) -> None:
        class Mended(Notes):
            def apply(self, ctx: Any, change: Change) -> int:
                return super().apply(ctx, mended(change))

        self.shop.collections = {"note": Mended()}

    def save(self, rec_id: UUID, **fields: Any) -> None:
        with self.shop.unit() as ctx:
            save_note(ctx, rec_id, fields)

    def title(self, rec_id: UUID) -> Any:
        with self.shop.unit() as ctx:
            stored = Notes().stored(ctx, rec_id)
            return None if stored is None else stored.fields.get("title")

    def versions(self, rec_id: UUID) -> list[tuple[int, UUID | None, int | None]]:
        found = [row for row in self.rows(record_version) if row.rec_id == rec_id]
        return sorted((row.rev, row.device_id, row.op_no) for row in found)

    def received(self) -> dict[int, tuple[Any, bytes]]:
        return {row.op_no: (row.body, row.digest) for row in self.rows(sync_op)}

    def said(self) -> list[Told]:
        return [
            Told(row.op_no, row.verb, row.person_id, row.before, row.after, row.done) for row in self.rows(sync_repair)
        ]

    def rows(self, table: Any) -> list[Any]:
        with self.shop.unit() as ctx:
            return list(ctx.session.execute(select(table)))


def mended(change: Change) -> Change:
    """What the application made of the title on which it broke."""
    title = {"title": "mended"} if change.fields.get("title") == "breaks" else {}
    return change._replace(fields={**change.fields, **title})
