"""tus 1.0.0: creation, creation-with-upload, checksum, expiration, termination (SPEC.md B3–B7, https://tus.io/protocols)."""

from __future__ import annotations

import base64
import binascii
import errno
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from flask import Response, g, request, url_for
from flask_smorest import Blueprint

from mobile_sync.adapters.local_store import sha256_of
from mobile_sync.adapters.uploads import create_upload, discard, find_upload, finish, note_offset
from mobile_sync.blobs import StoreUnavailable, Upload
from mobile_sync.protocol import Device, FieldError, SyncProblem
from mobile_sync.wire import read_hash

if TYPE_CHECKING:
    from mobile_sync.adapters.http import SyncHost

log = logging.getLogger(__name__)

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = ("sha256", "sha1")
CHUNK_TYPE = "application/offset+octet-stream"


def add_tus_routes(blp: Blueprint, host: SyncHost[Any]) -> None:
    """`/files` and `/files/<upload_id>`."""
    _add_collection_routes(blp, host)
    _add_upload_routes(blp, host)

    @blp.after_request
    def speak_tus(response: Response) -> Response:
        if _is_tus(blp):
            response.headers["Tus-Resumable"] = VERSION
            response.headers.extend(g.pop("tus_headers", {}))
            response.headers["Cache-Control"] = "no-store"
        return response


def _is_tus(blp: Blueprint) -> bool:
    return (request.endpoint or "").removeprefix(f"{blp.name}.") in _ENDPOINTS


_ENDPOINTS = ("describe_uploads", "post_upload", "head_upload", "patch_upload", "delete_upload")


def _add_collection_routes(blp: Blueprint, host: SyncHost[Any]) -> None:
    @blp.route("/files", methods=["OPTIONS"], provide_automatic_options=False)
    @blp.response(204)
    def describe_uploads() -> Response:
        """Say which parts of tus are spoken"""
        largest = max((limit.most_bytes for limit in host.file_limits.values()), default=0)
        told = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(largest),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        return Response(status=204, headers=told)

    @blp.route("/files", methods=["POST"])
    @blp.response(201)
    def post_upload() -> Response:
        """Begin an upload, with its first bytes if they are in the body"""
        device = _device(host)
        upload = _created(host, device)
        headers = {"Location": url_for(f"{blp.name}.head_upload", upload_id=upload.id)}
        if upload.finished:
            return Response(status=201, headers={**headers, "Upload-Offset": str(upload.size)})
        headers["Upload-Expires"] = upload.expires_http
        if request.mimetype == CHUNK_TYPE:
            headers["Upload-Offset"] = str(_received(host, device, upload, at=0))
        return Response(status=201, headers=headers)


def _add_upload_routes(blp: Blueprint, host: SyncHost[Any]) -> None:
    @blp.route("/files/<uuid:upload_id>", methods=["HEAD"])
    @blp.response(200)
    def head_upload(upload_id: UUID) -> Response:
        """Say how far an upload has come"""
        device = _device(host)
        upload = _found(host, device, upload_id)
        offset = _offset(host, device, upload)
        headers = {"Upload-Offset": str(offset), "Upload-Length": str(upload.size)}
        return Response(status=200, headers={**headers, "Upload-Expires": upload.expires_http})

    @blp.route("/files/<uuid:upload_id>", methods=["PATCH"])
    @blp.response(204)
    def patch_upload(upload_id: UUID) -> Response:
        """Send bytes at the offset the server has"""
        device = _device(host)
        if request.mimetype != CHUNK_TYPE:
            raise SyncProblem("not_a_chunk", 415)
        upload = _found(host, device, upload_id)
        offset = _received(host, device, upload, at=_header_number("Upload-Offset"))
        return Response(status=204, headers={"Upload-Offset": str(offset), "Upload-Expires": upload.expires_http})

    @blp.route("/files/<uuid:upload_id>", methods=["DELETE"])
    @blp.response(204)
    def delete_upload(upload_id: UUID) -> Response:
        """End an upload and forget its bytes"""
        device = _device(host)
        upload = _found(host, device, upload_id)
        if not upload.finished:
            with host.partial.locked(upload.id):
                host.partial.drop(upload.id)
        with host.unit(device) as ctx:
            discard(host.session(ctx), upload)
        return Response(status=204)


def _device(host: SyncHost[Any]) -> Device:
    device = host.device()
    if request.headers.get("Tus-Resumable") != VERSION:
        _refuse("tus_version", 412, {"Tus-Version": VERSION})
    if device.revoked:
        raise SyncProblem("device_revoked", 403, wipe=device.wipe)
    return device


def _refuse(code: str, status: int, headers: Mapping[str, str]) -> NoReturn:
    g.tus_headers = headers
    raise SyncProblem(code, status)


def _header_number(name: str) -> int:
    value = request.headers.get(name, "")
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise SyncProblem("malformed", 422, FieldError(name, "not_integer"))
    return int(value)


def _metadata() -> dict[str, str]:
    """`Upload-Metadata` decoded; keys the server does not know are ignored, as tus asks."""
    read: dict[str, str] = {}
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            read[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise SyncProblem("malformed", 422, FieldError(name or "Upload-Metadata", "not_base64")) from error
    missing = [FieldError(name, "missing") for name in ("sha256", "mime", "kind") if not read.get(name)]
    if missing:
        raise SyncProblem("malformed", 422, *missing)
    return read


def _created(host: SyncHost[Any], device: Device) -> Upload:
    size = _header_number("Upload-Length")
    meta = _metadata()
    _must_be_allowed(host, meta, size)
    with host.unit(device) as ctx:
        now, upload_id = host.now(ctx), host.new_id(ctx)
        upload = create_upload(host.session(ctx), device, upload_id, now, meta, size)
        if not upload.finished:
            host.partial.begin(upload_id)
    return upload


def take_whole(host: SyncHost[Any], device: Device, meta: Mapping[str, str], path: Path) -> None:
    """A file that came whole by another way: kept, or refused, as if its last byte had just arrived.

    Raises:
        SyncProblem: `unsupported_file`, `file_too_large`, `hash_mismatch`, or what the application finds in it.
    """
    size = path.stat().st_size
    _must_be_allowed(host, meta, size)
    with host.unit(device) as ctx:
        upload = create_upload(host.session(ctx), device, host.new_id(ctx), host.now(ctx), meta, size)
    if not upload.finished:
        path.replace(host.partial.path(upload.id))
        _verify(host, device, upload)


def _must_be_allowed(host: SyncHost[Any], meta: Mapping[str, str], size: int) -> None:
    try:
        read_hash(meta["sha256"])
    except ValueError as error:
        raise SyncProblem("malformed", 422, FieldError("sha256", "not_sha256")) from error
    limit = host.file_limits.get(meta["kind"])
    if limit is None or meta["mime"] not in limit.mimes:
        raise SyncProblem("unsupported_file", 422, FieldError("mime" if limit else "kind", "unsupported"))
    if size < 1:
        raise SyncProblem("malformed", 422, FieldError("Upload-Length", "empty"))
    if size > limit.most_bytes:
        raise SyncProblem("file_too_large", 413, most_bytes=limit.most_bytes)


def _found(host: SyncHost[Any], device: Device, upload_id: UUID) -> Upload:
    with host.unit(device) as ctx:
        return find_upload(host.session(ctx), device, upload_id, host.now(ctx))


def _offset(host: SyncHost[Any], device: Device, upload: Upload) -> int:
    """The length of the file. What a crash left undone after the last byte is done here (B6)."""
    if upload.finished:
        return upload.size
    offset = host.partial.offset(upload.id)
    if offset is None:
        with store_asked():
            stored = host.store.has(upload.sha256)
        if not stored:
            raise SyncProblem("unknown_upload", 404)
        _say_verified(host, device, upload)
        return upload.size
    if offset == upload.size:
        with host.partial.locked(upload.id):
            _verify(host, device, upload)
    return offset


def _received(host: SyncHost[Any], device: Device, upload: Upload, at: int) -> int:
    """Take the request's bytes at offset `at`; returns the new offset. No transaction is open while they come."""
    offset = _offset(host, device, upload)
    if at != offset or offset == upload.size:
        return _settled(upload, offset, at)
    with host.partial.locked(upload.id) as file, full_disk_told():
        _write(host, upload, file, at)
        offset = host.partial.offset(upload.id) or 0
        if offset == upload.size:
            _verify(host, device, upload)
            return offset
    with host.unit(device) as ctx:
        note_offset(host.session(ctx), upload, offset)
    return offset


def _settled(upload: Upload, offset: int, at: int) -> int:
    """A chunk that is not due: nothing to do at the very end, else the client must ask where to go on (B5)."""
    if at == offset == upload.size and not request.content_length:
        return offset
    _refuse("offset_mismatch", 409, {"Upload-Offset": str(offset)})


def _write(host: SyncHost[Any], upload: Upload, file: FileIO, at: int) -> None:
    if host.partial.offset(upload.id) != at:  # someone wrote between our look and our lock
        _refuse("offset_mismatch", 409, {"Upload-Offset": str(host.partial.offset(upload.id))})
    room = upload.size - at
    if (request.content_length or 0) > room:
        raise SyncProblem("beyond_length", 413)
    stream = request.stream
    checksum = request.headers.get("Upload-Checksum")
    if checksum is None:
        host.partial.append(file, stream, room)
    else:
        host.partial.append_checked(upload.id, file, stream, room, *_checksum(checksum))


def _checksum(header: str) -> tuple[str, bytes]:
    algorithm, _, value = header.partition(" ")
    if algorithm not in ALGORITHMS:
        raise SyncProblem("malformed", 400, FieldError("Upload-Checksum", "unknown_algorithm"))
    try:
        return algorithm, base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise SyncProblem("malformed", 400, FieldError("Upload-Checksum", "not_base64")) from error


def _verify(host: SyncHost[Any], device: Device, upload: Upload) -> None:
    """Read the stored bytes again; keep them under their hash or throw them away (B6)."""
    path = host.partial.path(upload.id)
    try:
        if sha256_of(path) != upload.sha256:
            raise SyncProblem("hash_mismatch", 422, FieldError("sha256", "mismatch"))
        host.inspect_file(path, upload)
    except Exception:
        host.partial.drop(upload.id)
        with host.unit(device) as ctx:
            discard(host.session(ctx), upload)
        raise
    with store_asked():  # the bytes stay here until then, so that asking for the offset is enough to go on
        host.store.put(upload.sha256, path)
    _say_verified(host, device, upload)


def _say_verified(host: SyncHost[Any], device: Device, upload: Upload) -> None:
    with host.unit(device) as ctx:
        if finish(host.session(ctx), upload, host.now(ctx)):
            host.file_verified(ctx, upload)


@contextmanager
def store_asked() -> Iterator[None]:
    """A store that is away is a reason to come back; a file it has lost is not there."""
    try:
        yield
    except StoreUnavailable as error:
        log.warning("the object store did not answer", extra={"error": str(error)})
        raise SyncProblem("store_unavailable", 503) from error
    except FileNotFoundError as error:
        raise SyncProblem("unknown_blob", 404) from error


@contextmanager
def full_disk_told() -> Iterator[None]:
    """A full disk is the server's own trouble, and is said so."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise SyncProblem("storage_full", 507) from error
