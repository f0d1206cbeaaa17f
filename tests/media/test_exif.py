"""What photos say of themselves: kept beside the tablet's own claims, and told where the two differ."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from shapely.geometry import Point
from sqlalchemy.orm import Session

from app.identity.models import Branch
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.media import service
from app.media.exif import Said
from app.media.images import examine
from app.media.models import Attachment, AttachmentKind
from tests.factories import given_person, signed_in
from tests.factories_field import NOON, at_m, given_attachment

CAMERA = {0x010F: "Canary", 0x0110: "Canary Phone 12"}


def degrees(value: float) -> tuple[float, float, float]:
    whole = int(value)
    minutes = int((value - whole) * 60)
    return float(whole), float(minutes), (value - whole - minutes / 60) * 3600


def a_photo(
    *,
    taken: str | None = None,
    offset: str | None = None,
    place: tuple[float, float] | None = None,
    gps: dict[int, Any] | None = None,
    camera: dict[int, str] | None = None,
) -> bytes:
    """A JPEG whose EXIF says so; `place` is longitude, latitude."""
    exif = Image.Exif()
    exif.update(camera or {})
    shot, where = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    if taken is not None:
        shot[0x9003] = taken
    if offset is not None:
        shot[0x9011] = offset
    if place is not None:
        lon, lat = place
        where.update(
            {1: "S" if lat < 0 else "N", 2: degrees(abs(lat)), 3: "W" if lon < 0 else "E", 4: degrees(abs(lon))}
        )
    where.update(gps or {})
    out = io.BytesIO()
    Image.effect_noise((80, 60), 60).convert("RGB").save(out, "JPEG", exif=exif)
    return out.getvalue()


def said(content: bytes) -> Said:
    return examine(io.BytesIO(content), mime="image/jpeg").said


def test_a_photo_says_when_where_and_with_what_it_was_taken() -> None:
    found = said(a_photo(taken="2026:07:16 08:01:02", offset="+08:00", place=(-46.6339, -23.5505), camera=CAMERA))
    assert found.taken_at == datetime(2026, 7, 16, 0, 1, 2, tzinfo=UTC)
    assert found.location is not None
    assert (found.location.x, found.location.y) == pytest.approx((-46.6339, -23.5505), abs=1e-6)
    assert found.device == "Canary Phone 12", "the maker once"


def test_a_photo_without_metadata_says_nothing() -> None:
    assert said(a_photo()) == Said()


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param({"taken": "0000:00:00 00:00:00"}, id="a clock that was never set"),
        pytest.param({"taken": "yesterday", "offset": "+99:99"}, id="words for a time"),
        pytest.param({"place": (0.0, 0.0)}, id="a receiver without a fix"),
        pytest.param({"place": (10.0, 91.0)}, id="north of the pole"),
        pytest.param({"gps": {1: "N", 2: (1.0, 2.0), 3: "E", 4: (3.0,)}}, id="degrees that are none"),
        pytest.param({"camera": {0x010F: "\x00\x07", 0x0110: " "}}, id="a maker of control characters"),
    ],
)
def test_metadata_that_make_no_sense_say_nothing_and_the_photo_is_sound(nonsense: dict[str, Any]) -> None:
    assert said(a_photo(**nonsense)) == Said()


def test_damaged_metadata_do_not_refuse_a_photo() -> None:
    content = bytearray(a_photo(taken="2026:07:16 08:01:02", place=(113.3, 23.1)))
    start = content.index(b"Exif\0\0") + 6
    content[start + 4 : start + 8] = b"\xff\xff\xff\x7f"  # the first directory lies far outside
    found = examine(io.BytesIO(bytes(content)), mime="image/jpeg")
    assert (found.width_px, found.said.taken_at) == (80, None)


def arrived(runtime: Runtime, session: Session, job: Job, content: bytes, **declared: Any) -> Attachment:
    """A photo whose bytes are here, after the worker has looked at it."""
    sha256 = runtime.blobs.put(content)
    photo = given_attachment(
        session, job, AttachmentKind.PHOTO, "before", sha256=sha256, size_bytes=len(content), **declared
    )
    with runtime.unit_of_work() as uow:
        service.mark_verified(uow, sha256=sha256)
    drain(runtime)
    session.refresh(photo)
    return photo


def test_a_camera_without_a_zone_means_the_branch_s(runtime: Runtime, session: Session, job: Job) -> None:
    photo = arrived(runtime, session, job, a_photo(taken="2026:07:16 08:01:02"))
    assert photo.exif_taken_at == datetime(2026, 7, 16, 0, 1, 2, tzinfo=UTC)


HERE = at_m(0, 0)


@pytest.mark.parametrize(
    ("metres", "minutes", "accuracy_m", "differs"),
    [
        pytest.param(200, 14, 5.0, [], id="near enough"),
        pytest.param(1_400, 0, 5.0, ["position"], id="another street"),
        pytest.param(1_400, 0, 2_000.0, [], id="within what the tablet knew"),
        pytest.param(0, 16, 5.0, ["time"], id="a quarter of an hour"),
        pytest.param(1_400, -60 * 24 * 365, None, ["time", "position"], id="last year, elsewhere"),
    ],
)
def test_the_desk_is_told_where_a_photo_and_its_tablet_differ(
    app: Flask,
    runtime: Runtime,
    session: Session,
    branch: Branch,
    job: Job,
    metres: int,
    minutes: int,
    accuracy_m: float | None,
    differs: list[str],
) -> None:
    there = at_m(metres, 0)
    taken = (NOON + timedelta(minutes=minutes)).strftime("%Y:%m:%d %H:%M:%S")
    content = a_photo(taken=taken, offset="+00:00", place=(there.x, there.y), camera=CAMERA)
    declared = {"taken_at": NOON, "location": Point(HERE.x, HERE.y), "accuracy_m": accuracy_m}
    arrived(runtime, session, job, content, **declared)
    desk = signed_in(app, given_person(session, branch))
    (told,) = desk.get(f"/api/v1/jobs/{job.id}/attachments").get_json()["items"]
    assert told["differs"] == differs
    assert told["exif_away_m"] == pytest.approx(metres, abs=3)
    assert datetime.fromisoformat(told["exif_taken_at"]) == NOON + timedelta(minutes=minutes)
    assert datetime.fromisoformat(told["taken_at"]) == NOON, "the tablet's own claim stays"
    assert told["exif_device"] == "Canary Phone 12"


def test_a_photo_that_says_nothing_differs_in_nothing(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, job: Job
) -> None:
    arrived(runtime, session, job, a_photo(), location=Point(HERE.x, HERE.y))
    (told,) = (
        signed_in(app, given_person(session, branch)).get(f"/api/v1/jobs/{job.id}/attachments").get_json()["items"]
    )
    assert (told["differs"], told["exif_taken_at"], told["exif_location"], told["exif_away_m"]) == (
        [],
        None,
        None,
        None,
    )


def test_a_file_that_nobody_looked_at_gets_another_chance(
    runtime: Runtime, session: Session, clock: FrozenClock, job: Job
) -> None:
    content = a_photo()
    sha256 = runtime.blobs.put(content)
    stuck = given_attachment(
        session, job, AttachmentKind.PHOTO, "before", sha256=sha256, size_bytes=len(content), verified_at=clock()
    )
    fresh = given_attachment(session, job, AttachmentKind.PHOTO, "after", verified_at=clock())
    clock.tick(hours=7)
    fresh.verified_at = clock()
    session.commit()
    for expected in (1, 0):  # once asked for, it is not asked for again
        with runtime.unit_of_work() as uow:
            assert service.examine_stuck(uow) == expected
    drain(runtime)
    session.refresh(stuck)
    assert stuck.width_px == 80
