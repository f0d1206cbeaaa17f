"""Photos in an S3 bucket: the same product, whatever keeps its bytes; and the settings that say which."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from app.config import Settings, SettingsError
from app.factory import create_app
from app.identity.models import Branch
from app.kernel import health
from app.kernel.blobs import Blobs
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.media import service
from app.media.models import Attachment, AttachmentKind
from mobile_sync.blobs import BucketAddress
from tests.factories import given_branch, given_person, signed_in
from tests.factories_field import given_attachment, given_forms, given_job
from tests.object_store import nobody_there

NEEDED = {
    "DATABASE_URL": "postgresql://app@db/lamplighter",
    "REDIS_URL": "redis://cache",
    "BLOB_ROOT": "/srv/blobs",
    "SECRET_KEY": "x" * 32,
}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}


def settings_of(**env: str) -> Settings:
    return Settings.from_env({**NEEDED, **env})


def test_files_stay_in_the_folder_unless_a_bucket_is_named() -> None:
    assert settings_of().blob_bucket is None
    assert settings_of(BLOB_STORE=" ").blob_bucket is None


def test_a_bucket_is_an_address_with_keys_from_the_environment() -> None:
    named = settings_of(BLOB_STORE="s3://files/field/east?endpoint=https://s3.example:9000/&region=cn-north-1", **KEYS)
    expected = BucketAddress("files", "field/east", "https://s3.example:9000", "cn-north-1", "AKIA", "secret")
    assert named.blob_bucket == expected
    assert "secret" not in repr(named.blob_bucket)
    assert settings_of(BLOB_STORE="s3://files", AWS_REGION="eu-west-1", **KEYS).blob_bucket == BucketAddress(
        "files", "", "", "eu-west-1", "AKIA", "secret"
    )


def test_keys_may_lie_in_a_file_and_the_environment_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id=A\naws_secret_access_key=B%C\n[east]\naws_access_key_id=E\n", "utf-8")
    inside = {"BLOB_STORE": "s3://files", "AWS_SHARED_CREDENTIALS_FILE": str(file)}
    found = settings_of(**inside).blob_bucket
    assert found is not None
    assert (found.access_key_id, found.secret_access_key) == ("A", "B%C")
    mixed = settings_of(**inside, AWS_PROFILE="east", AWS_SECRET_ACCESS_KEY="D").blob_bucket
    assert mixed is not None
    assert (mixed.access_key_id, mixed.secret_access_key) == ("E", "D")


@pytest.mark.parametrize(
    ("env", "named"),
    [
        pytest.param({"BLOB_STORE": "minio.example/files", **KEYS}, "BLOB_STORE", id="no scheme"),
        pytest.param({"BLOB_STORE": "s3:///prefix", **KEYS}, "BLOB_STORE", id="no bucket"),
        pytest.param({"BLOB_STORE": "s3://b?endpiont=x", **KEYS}, "endpiont", id="an option nobody knows"),
        pytest.param({"BLOB_STORE": "s3://b?endpoint=minio:9000", **KEYS}, "endpoint", id="an endpoint without scheme"),
        pytest.param({"BLOB_STORE": "s3://b"}, "AWS_ACCESS_KEY_ID", id="no keys"),
        pytest.param(
            {"BLOB_STORE": "s3://b", "AWS_ACCESS_KEY_ID": "A"}, "AWS_SECRET_ACCESS_KEY", id="half of the keys"
        ),
        pytest.param(
            {"BLOB_STORE": "s3://b", "AWS_SHARED_CREDENTIALS_FILE": "/no/such/file"},
            "AWS_SHARED_CREDENTIALS_FILE",
            id="a file that is not there",
        ),
    ],
)
def test_a_bucket_that_makes_no_sense_stops_the_start_by_name(env: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        settings_of(**env)


def test_a_credentials_file_without_the_profile_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\n", "utf-8")
    with pytest.raises(SettingsError, match="no profile east"):
        settings_of(BLOB_STORE="s3://b", AWS_SHARED_CREDENTIALS_FILE=str(file), AWS_PROFILE="east")
    file.write_text("not a file of keys", "utf-8")
    with pytest.raises(SettingsError, match="cannot be read"):
        settings_of(BLOB_STORE="s3://b", AWS_SHARED_CREDENTIALS_FILE=str(file))


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def in_bucket(runtime: Runtime, bucket: BucketAddress, tmp_path: Path) -> Runtime:
    """The runtime with its files in a bucket."""
    runtime.blobs = Blobs(tmp_path / "spool", replace(bucket, prefix=tmp_path.name))
    return runtime


def test_a_photo_in_a_bucket_is_examined_and_served_like_any_other(
    in_bucket: Runtime, session: Session, branch: Branch
) -> None:
    out = io.BytesIO()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(out, "JPEG", quality=95)
    content = out.getvalue()
    sha256 = in_bucket.blobs.put(content)
    job = given_job(in_bucket, branch)
    photo = given_attachment(session, job, AttachmentKind.PHOTO, "before", sha256=sha256, size_bytes=len(content))
    with in_bucket.unit_of_work() as uow:
        service.mark_verified(uow, sha256=sha256)
    drain(in_bucket)
    session.refresh(photo)
    assert (photo.refused, photo.width_px, photo.height_px) == (None, 1600, 1200)

    desk = signed_in(create_app(in_bucket), given_person(session, branch))
    assert desk.get(f"/api/v1/attachments/{photo.id}/content").data == content
    part = desk.get(f"/api/v1/attachments/{photo.id}/content", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, content[100:200])
    assert desk.get(f"/api/v1/attachments/{photo.id}/thumbnail").mimetype == "image/jpeg"
    assert not any(path.is_file() for path in in_bucket.blobs.root.rglob("*")), "nothing stays on this machine"
    assert health.checks(in_bucket)["objects"] == "ok"


def test_a_bucket_that_is_away_is_told_and_the_rest_goes_on(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, bucket: BucketAddress, tmp_path: Path
) -> None:
    runtime.blobs = Blobs(tmp_path / "spool", nobody_there(bucket))
    photo = given_attachment(
        session, given_job(runtime, branch), AttachmentKind.PHOTO, "before", verified_at=runtime.clock()
    )
    desk = signed_in(app, given_person(session, branch))
    answered = desk.get(f"/api/v1/attachments/{photo.id}/content")
    assert (answered.status_code, answered.get_json()["code"]) == (503, "store-away")
    assert desk.get(f"/api/v1/jobs/{photo.job_id}/attachments").status_code == 200
    found = health.checks(runtime)
    assert (found["objects"], health.verdict(found)) == ("not reachable", "degraded")


def test_a_lost_object_is_not_here(app: Flask, runtime: Runtime, session: Session, branch: Branch) -> None:
    photo: Attachment = given_attachment(
        session, given_job(runtime, branch), AttachmentKind.PHOTO, "before", verified_at=runtime.clock()
    )
    answered = signed_in(app, given_person(session, branch)).get(f"/api/v1/attachments/{photo.id}/content")
    assert (answered.status_code, answered.get_json()["code"]) == (404, "file-not-here")
