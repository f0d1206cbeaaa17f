"""The application around the engine: units of work, who is at the door, which buckets they have."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import cast
from uuid import UUID

from flask import current_app, g
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.crews import queries as crews
from app.kernel.actor import NOBODY, Actor
from app.kernel.problems import Problem, Unauthenticated
from app.kernel.unit_of_work import Runtime, UnitOfWork
from app.kernel.web import Authenticate, runtime
from app.media import service as media
from app.media.models import MAX_BYTES, AttachmentKind
from app.media.rules import MIMES_BY_KIND
from app.sync.collection import SCHEMA_VERSION
from app.sync.collections import COLLECTIONS
from app.sync.contested import TellingLedger
from app.sync.errors import NotATablet
from app.sync.files import partial_files
from app.sync.idle import answer_idle
from app.sync.placement import buckets_of_actor
from mobile_sync.adapters.http import SqlHost
from mobile_sync.adapters.local_store import LocalStore, PartialFiles
from mobile_sync.blobs import FileLimit, Upload
from mobile_sync.collection import Collection
from mobile_sync.protocol import Bucket, Device, FieldError, Page, PullRequest, Received, Rejected, Result

log = logging.getLogger(__name__)

SIGNATURE_MAX_BYTES = 1024 * 1024
MOST_BYTES = {AttachmentKind.PHOTO: MAX_BYTES, AttachmentKind.SIGNATURE: SIGNATURE_MAX_BYTES}


class Host(SqlHost[UnitOfWork]):
    """One for all requests; what belongs to a request is in Flask's context."""

    @property
    def runtime(self) -> Runtime:
        """Of the running application."""
        return runtime()

    @property
    def collections(self) -> Mapping[str, Collection[UnitOfWork]]:
        """Every synced kind of record."""
        return COLLECTIONS

    @property
    def schema_version(self) -> int:
        """The shape of documents and new ops."""
        return SCHEMA_VERSION

    @property
    def store(self) -> LocalStore:
        """The installation's files."""
        return LocalStore(self.runtime.settings.blob_root)

    @property
    def partial(self) -> PartialFiles:
        """Half-arrived files, on the same disk."""
        return partial_files(self.runtime.settings.blob_root)

    @property
    def file_limits(self) -> Mapping[str, FileLimit]:
        """Photos and signatures."""
        return {kind.value: FileLimit(MIMES_BY_KIND[kind], most) for kind, most in MOST_BYTES.items()}

    def device(self) -> Device:
        """The tablet whose bearer token came with the request.

        Raises:
            Unauthenticated, TokenExpired: no token, or not a valid one. NotATablet: somebody else's token.
        """
        with self.runtime.unit_of_work() as uow:
            actor = cast(Authenticate, current_app.extensions["lamplighter_authenticate"])(uow)
        if actor.person_id is None:
            raise Unauthenticated
        if actor.device_id is None:
            raise NotATablet
        g.person_id, g.sync_actor = actor.person_id, actor
        return Device(actor.device_id, actor.person_id, revoked=actor.device_revoked)

    @contextmanager
    def unit(self, device: Device) -> Iterator[UnitOfWork]:
        """The house's unit of work, by the person on the tablet."""
        with self.runtime.unit_of_work(_actor()) as uow:
            uow.device_id = device.id
            yield uow

    @contextmanager
    def snapshot(self, device: Device) -> Iterator[UnitOfWork]:
        """One REPEATABLE READ snapshot that only reads; nothing is committed."""
        with self.runtime.sessions() as session:
            if isinstance(session.get_bind(), Engine):  # joined to somebody's transaction it sees what that one sees
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield UnitOfWork(self.runtime, session, self.runtime.clock(), _actor(), device_id=device.id)

    def session(self, ctx: UnitOfWork) -> Session:
        """The unit's session."""
        return ctx.session

    def now(self, ctx: UnitOfWork) -> datetime:
        """The unit's time."""
        return ctx.now

    def new_id(self, ctx: UnitOfWork) -> UUID:
        """A fresh id."""
        return ctx.new_id()

    @contextmanager
    def savepoint(self, ctx: UnitOfWork) -> Iterator[None]:
        """The rooms' refusals become the engine's, with code, fields and figures."""
        try:
            with ctx.savepoint():
                yield
        except Problem as problem:
            errors = [FieldError(error.field, error.reason) for error in problem.errors]
            raise Rejected(problem.code(), *errors, **problem.params) from problem

    def ledger(self, ctx: UnitOfWork) -> TellingLedger:
        """In the unit's transaction; live screens hear of what waits for a person."""
        return TellingLedger(ctx)

    def alarm(self, ctx: UnitOfWork, device: Device, result: Result, received: Received) -> None:
        """No field has the policy `never` yet; should one clash, the log says so."""
        log.error("a field that must never be merged clashed", extra={"op_no": received.op_no})

    def scope(self, ctx: UnitOfWork, device: Device) -> Sequence[Bucket]:
        """The crew that the person is in now, the branch's catalogue, what is their own."""
        person_id = ctx.actor.person_id
        return buckets_of_actor(ctx.actor, crews.crew_ids_of(ctx.session, person_id) if person_id else ())

    def idle(self, request: PullRequest) -> Page | None:
        """Nothing has changed for most tablets most of the time."""
        return answer_idle(self.runtime, request)

    def inspect_file(self, path: Path, upload: Upload) -> None:
        """Images are looked into by a worker, which can tell desk and crew why one was refused."""

    def file_verified(self, ctx: UnitOfWork, upload: Upload) -> None:
        """Every attachment that waited for these bytes has arrived."""
        media.mark_verified(ctx, sha256=upload.sha256)


def _actor() -> Actor:
    return cast(Actor, g.get("sync_actor", NOBODY))
