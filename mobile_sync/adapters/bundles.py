"""Sealed bundles at the server's door: opened whole, then judged as if their device had pushed (SPEC.md V4–V8)."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import select

from mobile_sync.adapters import schemas, texts
from mobile_sync.adapters.bodies import answer
from mobile_sync.adapters.epochs import current_epoch
from mobile_sync.adapters.http import SyncHost, judge_batch
from mobile_sync.adapters.tables import sync_device_state
from mobile_sync.adapters.tus import full_disk_told, take_whole
from mobile_sync.adapters.uploads import verified_among
from mobile_sync.bundle import MIME, BundleFile, Header, read_opening
from mobile_sync.delivery import Standing, batches_of, claims_of, must_follow
from mobile_sync.protocol import Device, Result, SyncProblem
from mobile_sync.sealing import ServerKeys, Unsealing, must_be_of, write_receipt

CtxIn = TypeVar("CtxIn")
_LEFTOVERS_S = 24 * 3600.0


class Origin(NamedTuple):
    """The device a bundle is of, acting for the person it names, and its public key."""

    device: Device
    public_key: Mapping[str, str]


class BundleHost(SyncHost[CtxIn], Protocol[CtxIn]):
    """What sealed bundles ask of the application beyond `SyncHost`."""

    @property
    def server_keys(self) -> Sequence[ServerKeys]:
        """Today's first, then those that older bundles may still be sealed to."""

    def courier(self) -> Device | None:
        """Who is at the door: a device, or (None) somebody at the centre who may; raises the application's refusal."""

    def origin(self, device_id: UUID, person_id: UUID | None) -> Origin:
        """The device a bundle says it is of.

        Raises:
            SyncProblem: `unknown_origin`: no such device, or none that who is at the door may bring work of.
        """

    def on_behalf(self, origin: Device) -> AbstractContextManager[None]:
        """Units opened inside are this device's and its person's."""

    def bundle_taken(self, ctx: CtxIn, taken: Taken) -> None:
        """A bundle was judged; in a transaction of the courier's."""


@dataclass(frozen=True)
class Taken:
    """What became of a bundle. `refused`: files that can never be kept, and why."""

    header: Header
    origin: Device
    courier: Device | None
    expected: int
    results: tuple[Result, ...]
    verified: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    receipt: str

    @property
    def counts(self) -> dict[str, int]:
        """Ops by what became of them."""
        return dict(Counter(result.status.value for result in self.results))


def add_bundle_routes(blp: Blueprint, host: BundleHost[Any]) -> None:
    """`/keys` and `/bundles`."""

    @blp.route("/keys", methods=["GET"])
    @blp.response(200, schemas.KeysOut)
    def server_keys() -> dict[str, Any]:
        """Read the public keys that bundles are sealed to and receipts are signed with"""
        host.device()
        return host.server_keys[0].told()

    @blp.route("/bundles", methods=["POST"])
    @blp.doc(requestBody={"required": True, "content": {MIME: {"schema": {"type": "string", "format": "binary"}}}})
    @blp.response(200, schemas.BundleOut)
    def post_bundle() -> Response:
        """Deliver a sealed bundle, of one's own or carried for another tablet"""
        courier = host.courier()
        if request.mimetype != MIME:
            raise SyncProblem("not_a_bundle", 415)
        return answer(json.dumps(_written(take_bundle(host, courier, cast(BinaryIO, request.stream)))))


def take_bundle(host: BundleHost[Any], courier: Device | None, source: BinaryIO) -> Taken:
    """Open, check whole, judge, keep. What is refused has changed nothing.

    Raises:
        SyncProblem: `not_a_bundle`, `bundle_format`, `bundle_truncated`, `broken_seal`, `foreign_server`,
            `unknown_origin`, `device_revoked`, `bundle_gap`, `bundle_epoch`; as `read_batch`.
    """
    opened = read_opening(source)
    header = opened.header
    sealed = Unsealing.begun(opened, source, host.server_keys)
    origin = host.origin(UUID(header.device_id), UUID(header.person_id) if header.person_id else None)
    must_be_of(opened, origin.public_key)
    device = origin.device
    if courier is not None and courier.revoked and courier.id != device.id:
        raise SyncProblem("device_revoked", 403)
    standing = _standing(host, device)
    must_follow(header, device, standing)
    with _folder(host, standing.now) as folder:
        batches = list(batches_of(header, device, standing, sealed.ops(texts.read), texts.canonical))
        kept = {file.sha256: _unsealed(sealed, number, file, folder) for number, file in enumerate(header.files, 1)}
        sealed.end()
        with host.on_behalf(device):
            results = tuple(result for batch in batches for result in judge_batch(host, device, batch).results)
            verified, refused = _keep_files(host, device, header.files, kept)
    return _told(host, header, device, courier, results, verified, refused)


def _standing(host: BundleHost[Any], device: Device) -> Standing:
    row = sync_device_state.c
    query = select(row.high_op_no, row.clock_error_ms).where(row.device_id == device.id)
    with host.on_behalf(device), host.unit(device) as ctx:
        session = host.session(ctx)
        high, error_ms = session.execute(query).one_or_none() or (0, None)
        return Standing(high + 1, timedelta(milliseconds=error_ms or 0), current_epoch(session), host.now(ctx))


def _unsealed(sealed: Unsealing, number: int, file: BundleFile, folder: Path) -> Path:
    path = folder / str(number)
    with full_disk_told(), path.open("wb") as out:
        out.writelines(sealed.part(number, file.size, file.sha256))
    return path


def _keep_files(
    host: BundleHost[Any], device: Device, files: Sequence[BundleFile], kept: Mapping[str, Path]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Each file as if its last byte had just arrived by tus; one that can never be kept costs only itself."""
    refused = []
    for file in files:
        try:
            take_whole(host, device, {"sha256": file.sha256, "mime": file.mime, "kind": file.kind}, kept[file.sha256])
        except SyncProblem as problem:
            if problem.status >= 500:
                raise
            refused.append((file.sha256, problem.code))
    with host.unit(device) as ctx:
        here = verified_among(host.session(ctx), [file.sha256 for file in files])
    return sorted(here), refused


def _told(
    host: BundleHost[Any],
    header: Header,
    device: Device,
    courier: Device | None,
    results: tuple[Result, ...],
    verified: Sequence[str],
    refused: Sequence[tuple[str, str]],
) -> Taken:
    """The receipt, which says what became of each op and nothing of what stands in it (V8)."""
    after = _standing(host, device)
    claims = claims_of(header, after, results, verified)
    receipt = write_receipt(host.server_keys[0], claims)
    taken = Taken(header, device, courier, after.expected, results, tuple(verified), tuple(refused), receipt)
    with host.unit(courier or device) as ctx:
        host.bundle_taken(ctx, taken)
    return taken


def _written(taken: Taken) -> dict[str, Any]:
    return {
        "device_id": taken.header.device_id,
        "first_op": taken.header.first_op,
        "last_op": taken.header.last_op,
        "expected": taken.expected,
        "results": taken.counts,
        "files": len(taken.verified),
        "refused_files": [{"sha256": sha256, "code": code} for sha256, code in taken.refused],
        "receipt": taken.receipt,
    }


@contextmanager
def _folder(host: BundleHost[Any], now: datetime) -> Iterator[Path]:
    """A place for unsealed files on the disk of the store; what a crash left behind earlier goes."""
    root = host.partial.root
    root.mkdir(parents=True, exist_ok=True)
    for old in root.glob("bundle-*"):
        if now.timestamp() - old.stat().st_mtime > _LEFTOVERS_S:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="bundle-", dir=root, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
