"""Files that arrive: real images become thumbnails, everything else is refused with a reason, nothing is run."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from app.identity.models import Branch, Person, Role
from app.jobs.models import Job
from app.kernel.blobs import Blobs
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.media import queries, rules, service
from app.media.errors import FileTooLarge, FileTypeNotAllowed, SignatureWithoutName
from app.media.images import ImageRefused, examine
from app.media.models import MAX_BYTES, Attachment, AttachmentKind
from mobile_sync.adapters.local_store import LocalStore
from tests.factories import given_branch, given_person, signed_in
from tests.factories_field import given_attachment, given_crew


def image(fmt: str = "JPEG", size: tuple[int, int] = (800, 600), mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(out, fmt, **options)
    return out.getvalue()


def empty_png(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims any number of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(min(width * height // 8, 2_000_000)), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def arrived(runtime: Runtime, session: Session, job: Job, content: bytes, mime: str = "image/jpeg") -> Attachment:
    """A photo of a job whose bytes are here, after the worker has looked at it."""
    sha256 = Blobs(runtime.settings.blob_root).put(content)
    waiting = given_attachment(
        session, job, AttachmentKind.PHOTO, "before", sha256=sha256, size_bytes=len(content), mime=mime
    )
    with runtime.unit_of_work() as uow:
        service.mark_verified(uow, sha256=sha256)
    drain(runtime)
    return session.get_one(Attachment, waiting.id, populate_existing=True)


@pytest.mark.parametrize(("fmt", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_a_real_photo_is_measured_and_gets_a_small_thumbnail(
    fmt: str, mime: str, runtime: Runtime, session: Session, job: Job
) -> None:
    photo = arrived(runtime, session, job, image(fmt), mime)
    assert (photo.refused, photo.width_px, photo.height_px) == (None, 800, 600)
    assert photo.thumbnail_sha256 is not None
    with runtime.blobs.open(photo.thumbnail_sha256) as thumbnail:
        assert len(thumbnail.read()) <= 30_000
        small = Image.open(thumbnail)
        assert (small.format, max(small.size)) == ("JPEG", 320)


def test_a_photo_taken_sideways_is_shown_upright_and_tells_nothing_of_the_phone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Canary Phone"
    path = tmp_path / "sideways"
    path.write_bytes(image(exif=exif))
    found = examine(path, mime="image/jpeg")
    assert (found.width_px, found.height_px) == (600, 800)
    with Image.open(io.BytesIO(found.thumbnail)) as small:
        assert small.size == (240, 320)
        assert len(small.getexif()) == 0
    assert b"Canary" not in found.thumbnail


@pytest.mark.parametrize(
    ("content", "mime", "reason"),
    [
        pytest.param(b"<svg onload='alert(1)'/>", "image/jpeg", "not_an_image", id="a program that says it is a photo"),
        pytest.param(image("PNG"), "image/jpeg", "mislabelled", id="a PNG that says it is a JPEG"),
        pytest.param(image()[:-2_000], "image/jpeg", "damaged", id="a photo cut short"),
        pytest.param(empty_png(13_000, 13_000), "image/png", "too_many_pixels", id="169 million pixels in 20 kB"),
        pytest.param(empty_png(60_000, 60_000), "image/png", "too_many_pixels", id="3,600 million pixels"),
    ],
)
def test_what_is_not_the_declared_image_is_refused_with_its_reason(
    content: bytes, mime: str, reason: str, runtime: Runtime, session: Session, job: Job
) -> None:
    photo = arrived(runtime, session, job, content, mime)
    assert (photo.refused, photo.width_px, photo.thumbnail_sha256) == (reason, None, None)
    assert ("photo", "before") not in queries.slots_present(session, job.id)


def test_a_size_other_than_declared_is_refused(runtime: Runtime, session: Session, job: Job) -> None:
    content = image()
    sha256 = Blobs(runtime.settings.blob_root).put(content)
    photo = given_attachment(session, job, AttachmentKind.PHOTO, "before", sha256=sha256, size_bytes=7)
    with runtime.unit_of_work() as uow:
        service.mark_verified(uow, sha256=sha256)
    drain(runtime)
    assert session.get_one(Attachment, photo.id, populate_existing=True).refused == "wrong_size"


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(empty_png(13_000, 13_000))
    with pytest.raises(ImageRefused) as refused:
        examine(path, mime="image/png")
    assert refused.value.reason is rules.Refusal.TOO_MANY_PIXELS
    assert path.stat().st_size < 30_000


def test_a_file_arrives_once_for_all_records_that_name_it(runtime: Runtime, session: Session, job: Job) -> None:
    content = image()
    first = arrived(runtime, session, job, content)
    with runtime.unit_of_work() as uow:
        assert service.mark_verified(uow, sha256=first.sha256) == []


@pytest.mark.parametrize(
    ("declared", "error"),
    [
        pytest.param({"mime": "image/svg+xml"}, FileTypeNotAllowed, id="SVG"),
        pytest.param({"mime": "image/gif"}, FileTypeNotAllowed, id="GIF"),
        pytest.param({"size_bytes": MAX_BYTES + 1}, FileTooLarge, id="too large"),
        pytest.param({"size_bytes": 0}, FileTooLarge, id="empty"),
        pytest.param({"kind": AttachmentKind.SIGNATURE, "mime": "image/png"}, SignatureWithoutName, id="nobody signed"),
        pytest.param(
            {"kind": AttachmentKind.SIGNATURE, "signer_name": "Zhou"}, FileTypeNotAllowed, id="JPEG signature"
        ),
    ],
)
def test_what_can_never_be_accepted_is_refused_when_declared(
    declared: dict[str, object], error: type[Exception]
) -> None:
    usual = {"kind": AttachmentKind.PHOTO, "mime": "image/jpeg", "size_bytes": 1000, "signer_name": None}
    with pytest.raises(error):
        rules.check_declared(**{**usual, **declared})  # type: ignore[arg-type]


def test_the_bytes_are_served_for_looking_at_only(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, job: Job
) -> None:
    content = image()
    photo = arrived(runtime, session, job, content)
    desk = signed_in(app, given_person(session, branch))
    answered = desk.get(f"/api/v1/attachments/{photo.id}/content")
    assert (answered.status_code, answered.data, answered.mimetype) == (200, content, "image/jpeg")
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answered.headers["Content-Security-Policy"]
    assert "private" in answered.headers["Cache-Control"]
    assert "public" not in answered.headers["Cache-Control"]
    again = desk.get(f"/api/v1/attachments/{photo.id}/content", headers={"If-None-Match": answered.headers["ETag"]})
    assert again.status_code == 304
    thumbnail = desk.get(f"/api/v1/attachments/{photo.id}/thumbnail")
    assert (thumbnail.status_code, thumbnail.mimetype) == (200, "image/jpeg")
    assert len(thumbnail.data) <= 30_000


def test_a_refused_file_comes_as_a_download_and_never_as_an_image(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, job: Job
) -> None:
    photo = arrived(runtime, session, job, b"<svg onload='alert(1)'/>")
    desk = signed_in(app, given_person(session, branch))
    answered = desk.get(f"/api/v1/attachments/{photo.id}/content")
    assert answered.mimetype == "application/octet-stream"
    assert answered.headers["Content-Disposition"].startswith("attachment")
    assert desk.get(f"/api/v1/attachments/{photo.id}/thumbnail").status_code == 404


def test_a_file_on_its_way_is_not_here_yet(app: Flask, session: Session, branch: Branch, job: Job) -> None:
    photo = given_attachment(session, job, AttachmentKind.PHOTO, "before")
    answered = signed_in(app, given_person(session, branch)).get(f"/api/v1/attachments/{photo.id}/content")
    assert (answered.status_code, answered.get_json()["code"]) == (404, "file-not-here")


def test_strangers_see_no_file(app: Flask, runtime: Runtime, session: Session, branch: Branch, job: Job) -> None:
    photo = arrived(runtime, session, job, image())
    elsewhere = given_branch(session, "XS", centre=(121.5, 31.2))
    _, crew_without_the_job = given_crew(session, branch, "R9", login="someone")
    strangers: list[Person] = [
        given_person(session, elsewhere, "stranger", [Role.DISPATCHER]),
        given_person(session, branch, "idle", [Role.CREW_MEMBER]),
        crew_without_the_job,
    ]
    for stranger in strangers:
        for part in ("content", "thumbnail"):
            assert signed_in(app, stranger).get(f"/api/v1/attachments/{photo.id}/{part}").status_code == 404


def test_tablets_files_and_ours_lie_in_the_same_places(tmp_path: Path) -> None:
    sha256 = Blobs(tmp_path).put(b"bytes")
    assert LocalStore(tmp_path).has(sha256)
    with LocalStore(tmp_path).open(sha256) as stored:
        assert stored.read() == b"bytes"
