"""The application around the engine: units of work, who is at the door, which buckets they have."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app, g, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.conflicts import service as conflicts
from app.crews import queries as crews
from app.identity.queries.tablets import time_zone_of
from app.identity.service import COOKIE, tablets
from app.kernel.actor import NOBODY, Actor, Permission
from app.kernel.problems import NotFound, Problem, Unauthenticated
from app.kernel.unit_of_work import Runtime, UnitOfWork
from app.kernel.web import Authenticate, presented_token, runtime
from app.media import service as media
from app.media.models import MAX_BYTES, AttachmentKind
from app.media.rules import MIMES_BY_KIND, PREVIEW_KIND, PREVIEW_MIME, THUMBNAIL_MAX_BYTES
from app.sync.collection import SCHEMA_VERSION
from app.sync.collections import COLLECTIONS
from app.sync.contested import TellingLedger
from app.sync.errors import NotATablet
from app.sync.idle import KNOWN, tablet_showing
from app.sync.placement import buckets_of_actor
from mobile_sync.adapters.bundles import Origin, Taken
from mobile_sync.adapters.http import SqlHost
from mobile_sync.adapters.local_store import PartialFiles
from mobile_sync.blobs import FileLimit, ObjectStore, Upload
from mobile_sync.collection import Collection
from mobile_sync.protocol import (
    Bucket,
    Device,
    FieldError,
    Received,
    Rejected,
    Result,
    SyncProblem,
)
from mobile_sync.sealing import ServerKeys

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
    def store(self) -> ObjectStore:
        """The installation's files."""
        return self.runtime.blobs.store

    @property
    def partial(self) -> PartialFiles:
        """Half-arrived files, on a disk of this machine."""
        return self.runtime.blobs.partial

    @property
    def file_limits(self) -> Mapping[str, FileLimit]:
        """Photos, their small pictures, signatures."""
        limits = {kind.value: FileLimit(MIMES_BY_KIND[kind], most) for kind, most in MOST_BYTES.items()}
        return {**limits, PREVIEW_KIND: FileLimit(frozenset({PREVIEW_MIME}), THUMBNAIL_MAX_BYTES)}

    @property
    def keep_originals(self) -> timedelta:
        """As the installation is set."""
        return self.runtime.settings.keep_originals

    def device(self) -> Device:
        """The tablet whose bearer token came with the request.

        Raises:
            Unauthenticated, TokenExpired: no token, or not a valid one. NotATablet: somebody else's token.
        """
        device = _device_of(self._at_the_door())
        if device is None:
            raise NotATablet
        return device

    def _at_the_door(self) -> Actor:
        actor = request.environ.pop(KNOWN, None) or self._authenticated()
        if actor.person_id is None:
            raise Unauthenticated
        g.person_id, g.sync_actor = actor.person_id, actor
        return actor

    @property
    def server_keys(self) -> Sequence[ServerKeys]:
        """Made from the installation's secret, and from those it had before."""
        settings = self.runtime.settings
        return [ServerKeys.derived(secret) for secret in (settings.secret_key, *settings.former_secret_keys)]

    def courier(self) -> Device | None:
        """Any tablet, or somebody who manages tablets.

        Raises:
            Unauthenticated, TokenExpired: as `device`. Forbidden: somebody who does not.
        """
        actor = self._at_the_door()
        if actor.device_id is None:
            actor.must_somewhere(Permission.MANAGE_DEVICES)
        return _device_of(actor)

    def origin(self, device_id: UUID, person_id: UUID | None) -> Origin:
        """The tablet that made a bundle; its work counts as its own, by the person who was signed in there."""
        try:
            with self.runtime.unit_of_work(_actor()) as uow:
                public_key, actor = tablets.origin_of(uow, device_id, person_id)
        except NotFound as error:
            raise SyncProblem("unknown_origin", 422) from error
        g.sync_origin = actor
        return Origin(
            Device(device_id, actor.person_id, revoked=actor.device_revoked, wipe=actor.device_wipe), public_key
        )

    @contextmanager
    def on_behalf(self, origin: Device) -> Iterator[None]:
        """Units inside are by the person on that tablet, whoever brought the bundle."""
        bringing, g.sync_actor = _actor(), g.sync_origin
        try:
            yield
        finally:
            g.sync_actor = bringing

    def bundle_taken(self, ctx: UnitOfWork, taken: Taken) -> None:
        """The audit trail says who brought it."""
        detail = {"ops": taken.header.ops_count, "files": len(taken.verified), "first_op": taken.header.first_op}
        tablets.note_bundle(ctx, taken.origin.id, detail)

    def _authenticated(self) -> Actor:
        token, is_cookie = presented_token(COOKIE)
        tablet = tablet_showing(self.runtime, token) if token and not is_cookie else None
        if tablet is not None:
            return tablet
        with self.runtime.unit_of_work() as uow:
            return cast(Authenticate, current_app.extensions["lamplighter_authenticate"])(uow)

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
        """Somebody at the desk is told at once, and has to say that they have seen it."""
        log.warning("a field about safety clashed", extra={"op_no": received.op_no})
        ids = [told.conflict_id for told in (result.fields or {}).values() if told.conflict_id is not None]
        conflicts.raise_alarm(ctx, ids=ids)

    def scope(self, ctx: UnitOfWork, device: Device) -> Sequence[Bucket]:
        """The crew that the person is in now, where it serves, the branch's catalogue, what is their own."""
        person_id = ctx.actor.person_id
        if person_id is None:
            return ()
        mine, near = crews.crew_ids_of(ctx.session, person_id), crews.region_ids_of(ctx.session, person_id)
        return buckets_of_actor(ctx.actor, mine, near)

    def day(self, ctx: UnitOfWork, device: Device, day: date) -> tuple[datetime, datetime]:
        """By the clock of the tablet's branch."""
        zone = ZoneInfo(time_zone_of(ctx.session, device.id))
        begin, end = (datetime.combine(one, time.min, zone) for one in (day, day + timedelta(days=1)))
        return begin, end

    def inspect_file(self, path: Path, upload: Upload) -> None:
        """Images are looked into by a worker, which can tell desk and crew why one was refused."""

    def file_verified(self, ctx: UnitOfWork, upload: Upload) -> None:
        """Every attachment that waited for these bytes has arrived."""
        media.mark_verified(ctx, sha256=upload.sha256)


def _device_of(actor: Actor) -> Device | None:
    if actor.device_id is None:
        return None
    return Device(actor.device_id, actor.person_id, revoked=actor.device_revoked, wipe=actor.device_wipe)


def _actor() -> Actor:
    return cast(Actor, g.get("sync_actor", NOBODY))
