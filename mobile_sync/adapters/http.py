"""Push, pull and files as routes on any flask-smorest blueprint. Refusals leave as `SyncProblem`."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from flask import Response, url_for
from flask_smorest import Blueprint
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from mobile_sync.adapters import schemas, texts
from mobile_sync.adapters.bodies import answer, read_object
from mobile_sync.adapters.epochs import current_epoch
from mobile_sync.adapters.feed_sql import SqlFeed, acknowledge, subscribe
from mobile_sync.adapters.incidents_sql import note_incidents
from mobile_sync.adapters.ledger_sql import SqlLedger, is_fatal
from mobile_sync.adapters.local_store import PartialFiles
from mobile_sync.adapters.proof import add_proof_route
from mobile_sync.adapters.serving import send_stored
from mobile_sync.adapters.snapshots import LINES_TYPE, line_by_line, page_lines
from mobile_sync.adapters.stamping import stamp
from mobile_sync.adapters.tus import add_tus_routes, store_asked
from mobile_sync.adapters.uploads import mime_in_scope, open_uploads, verified_among
from mobile_sync.answers import push_text
from mobile_sync.blobs import FileLimit, ObjectStore, Upload
from mobile_sync.engine import Host, push
from mobile_sync.protocol import Batch, Bucket, Device, Page, PullRequest, PushAnswer, SyncProblem
from mobile_sync.pull import Puller
from mobile_sync.settling import ORIGINALS_KEPT
from mobile_sync.wire import read_batch, read_hash, read_pull

CtxIn = TypeVar("CtxIn")
_PUSH, _PULL, _BLOBS = schemas.PushIn(), schemas.PullIn(), schemas.BlobsIn()  # made once: a schema is dear to make


class SyncHost(Host[CtxIn], Protocol[CtxIn]):
    """What the routes ask of the application. Derive from `SqlHost` for the parts that are the same everywhere."""

    @property
    def schema_version(self) -> int:
        """The shape of documents and of new ops (W8)."""

    @property
    def store(self) -> ObjectStore:
        """Where verified files go."""

    @property
    def partial(self) -> PartialFiles:
        """Where half-arrived files lie; the same disk as a local store."""

    @property
    def file_limits(self) -> Mapping[str, FileLimit]:
        """What may be sent, by sort of file."""

    @property
    def keep_originals(self) -> timedelta:
        """How long devices keep a file after its receipt (B9)."""

    def device(self) -> Device:
        """Who is at the door; raises the application's own refusal. A revoked device is let through, marked."""

    def unit(self, device: Device) -> AbstractContextManager[CtxIn]:
        """A READ COMMITTED transaction of its own, committed at the end of the block."""

    def snapshot(self, device: Device) -> AbstractContextManager[CtxIn]:
        """A REPEATABLE READ transaction of its own that only reads."""

    def session(self, ctx: CtxIn) -> Session:
        """The unit's session."""

    def new_id(self, ctx: CtxIn) -> UUID:
        """A fresh id."""

    def scope(self, ctx: CtxIn, device: Device) -> Sequence[Bucket]:
        """The buckets the device has now (S1)."""

    def day(self, ctx: CtxIn, device: Device, day: date) -> tuple[datetime, datetime]:
        """When a day of the device's begins and ends (D1)."""

    def inspect_file(self, path: Path, upload: Upload) -> None:
        """Look at whole, hash-checked bytes before they are kept; `SyncProblem` throws them away."""

    def file_verified(self, ctx: CtxIn, upload: Upload) -> None:
        """A file is here for the first time: in the transaction that says so."""


class SqlHost(ABC, Generic[CtxIn]):
    """The parts of a host that are the same over any PostgreSQL; derive and write the rest of `SyncHost`."""

    @property
    def keep_originals(self) -> timedelta:
        """A week."""
        return ORIGINALS_KEPT

    @abstractmethod
    def session(self, ctx: CtxIn) -> Session:
        """The unit's session."""

    @abstractmethod
    def now(self, ctx: CtxIn) -> datetime:
        """The unit's time."""

    @abstractmethod
    def new_id(self, ctx: CtxIn) -> UUID:
        """A fresh id."""

    def ledger(self, ctx: CtxIn) -> SqlLedger:
        """In the unit's transaction."""
        return SqlLedger(self.session(ctx), self.now(ctx), lambda: self.new_id(ctx))

    def day(self, ctx: CtxIn, device: Device, day: date) -> tuple[datetime, datetime]:
        """By UTC."""
        del ctx, device
        begin = datetime.combine(day, time.min, UTC)
        return begin, begin + timedelta(days=1)

    def fatal(self, error: Exception) -> bool:
        """Deadlocks, lost connections, full disks."""
        return is_fatal(error)


def run_push(host: SyncHost[Any], device: Device, body: Mapping[str, Any]) -> PushAnswer:
    """Judge a batch in one unit of work.

    Raises:
        SyncProblem: the batch cannot be filed; as `judge_batch`.
    """
    return judge_batch(host, device, read_batch(body, texts.canonical))


def judge_batch(host: SyncHost[Any], device: Device, batch: Batch) -> PushAnswer:
    """Judge ops of a device in one unit of work.

    Raises:
        SyncProblem: `try_again` (503) when the database gave up, nothing was written.
    """
    try:
        with host.unit(device) as ctx:
            return push(host, ctx, device, batch)
    except DBAPIError as error:
        if not is_fatal(error):
            raise
        raise SyncProblem("try_again", 503) from error


def run_pull(host: SyncHost[Any], device: Device, request: PullRequest) -> Page:
    """Number what is new, commit, then read one page from one snapshot.

    Raises:
        SyncProblem: `device_revoked` (W7).
    """
    buckets = number_new(host, device, request)
    with host.snapshot(device) as ctx:
        puller = Puller(host.collections, host.schema_version)
        return puller.page(ctx, SqlFeed(host.session(ctx)), request, buckets, host.now(ctx))


def number_new(host: SyncHost[Any], device: Device, request: PullRequest) -> Sequence[Bucket]:
    """Before a snapshot is read: number what is committed, write down where the device stands; returns its buckets.

    Raises:
        SyncProblem: `device_revoked` (W7).
    """
    if device.revoked:
        raise SyncProblem("device_revoked", 403, wipe=device.wipe)
    with host.unit(device) as ctx:
        session = host.session(ctx)
        buckets = host.scope(ctx, device)
        subscribe(session, device, buckets, host.now(ctx))
        acknowledge(session, device.id, request, host.now(ctx))
        note_incidents(session, device.id, request.incidents, host.now(ctx))
        current_epoch(session)
        stamp(session, [bucket.key for bucket in buckets], wait=_from_the_start(request, buckets))
    return buckets


def _asked(host: SyncHost[Any]) -> PullRequest:
    """Who may not pull is told that first, whatever else is wrong."""
    try:
        return read_pull(read_object(_PULL))
    except SyncProblem:
        host.device()
        raise


def _page(host: SyncHost[Any]) -> Page:
    request = _asked(host)
    return run_pull(host, host.device(), request)


def _lines(host: SyncHost[Any]) -> Iterator[bytes]:
    """Refused before the first line or not at all."""
    request = _asked(host)
    device = host.device()
    return page_lines(host, device, request, number_new(host, device, request))


def _from_the_start(request: PullRequest, buckets: Sequence[Bucket]) -> bool:
    return any(request.cursors.get(bucket.key, 0) <= 0 for bucket in buckets)


def add_sync_routes(blp: Blueprint, host: SyncHost[Any]) -> None:
    """`/push`, `/pull`, `/snapshot`, `/proof`, `/blobs/check`, `/blobs/<sha256>` and tus at `/files`."""
    _add_record_routes(blp, host)
    add_proof_route(blp, host)
    _add_blob_routes(blp, host)
    add_tus_routes(blp, host)


def _body(schema: type[Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _add_record_routes(blp: Blueprint, host: SyncHost[Any]) -> None:
    @blp.route("/push", methods=["POST"])
    @blp.doc(requestBody=_body(schemas.PushIn))
    @blp.response(200, schemas.PushOut)
    def push_batch() -> Response:
        """Push a batch of ops: one result each, exactly once"""
        device = host.device()
        return answer(push_text(run_push(host, device, read_object(_PUSH))))

    @blp.route("/pull", methods=["POST"])
    @blp.doc(requestBody=_body(schemas.PullIn))
    @blp.response(200, schemas.PullOut)
    def pull_page() -> Response:
        """Pull a page of changes of the device's buckets"""
        return answer(texts.page(_page(host)))

    @blp.route("/snapshot", methods=["POST"])
    @blp.doc(requestBody=_body(schemas.PullIn))
    @blp.response(200, {"type": "string"}, content_type=LINES_TYPE)
    def pull_snapshot() -> Response:
        """Pull to the end in one answer: the pages of one snapshot, one a line"""
        return line_by_line(_lines(host))


def _add_blob_routes(blp: Blueprint, host: SyncHost[Any]) -> None:
    @blp.route("/blobs/check", methods=["POST"])
    @blp.doc(requestBody=_body(schemas.BlobsIn))
    @blp.response(200, schemas.BlobsOut)
    def check_blobs() -> Response:
        """Ask which files the server has, and where to go on with the others"""
        device = host.device()
        states = _blob_states(host, device, read_object(_BLOBS)["hashes"], blp.name)
        return answer(json.dumps({"blobs": states, "keep_s": round(host.keep_originals.total_seconds())}))

    @blp.route("/blobs/<sha256>", methods=["GET"])
    @blp.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
    def get_blob(sha256: str) -> Response:
        """Read a verified file that a record of the device names"""
        device = host.device()
        mime = None if device.revoked else _mime_of(host, device, sha256)
        if mime is None:
            raise SyncProblem("unknown_blob", 404)
        with store_asked():
            response = send_stored(host.store.open(sha256), sha256, mime=mime, as_attachment=True, name=sha256)
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


def _mime_of(host: SyncHost[Any], device: Device, sha256: str) -> str | None:
    try:
        read_hash(sha256)
    except ValueError:
        return None
    with host.unit(device) as ctx:
        return mime_in_scope(host.session(ctx), device, sha256)


def _blob_states(host: SyncHost[Any], device: Device, hashes: Sequence[str], blueprint: str) -> list[dict[str, Any]]:
    with host.unit(device) as ctx:
        session = host.session(ctx)
        verified = verified_among(session, hashes)
        under_way = open_uploads(session, device, hashes, host.now(ctx))
    states: list[dict[str, Any]] = []
    for sha256 in hashes:
        upload_id = under_way.get(sha256)
        if sha256 in verified:
            states.append({"sha256": sha256, "state": "verified"})
        elif upload_id is not None and (offset := host.partial.offset(upload_id)) is not None:
            url = url_for(f"{blueprint}.head_upload", upload_id=upload_id)
            states.append({"sha256": sha256, "state": "partial", "upload_url": url, "offset": offset})
        else:
            states.append({"sha256": sha256, "state": "missing"})
    return states
