"""The OpenAPI document is sound, and every operation keeps what it promises (schemathesis, in process)."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.orm import Session

from app.web.contract import WEB, lint_document
from app.web.node import BuildFailed, find_node
from mobile_sync.adapters.tus import CHUNK_TYPE
from mobile_sync.bundle import MIME
from tests.api.town import Town, given_town
from tests.factories import CENTRE, PASSWORD, TabletKey, bearer, given_tablet, visitor
from tests.factories_field import NOON, given_forms
from tests.sync.field import TUS
from tests.tracing import tracer, without_tracer

EXAMPLES = 12
PROMISES = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
schemathesis.serializer.alias(CHUNK_TYPE, "application/octet-stream")  # bytes as they are
schemathesis.serializer.alias(MIME, "application/octet-stream")
METHODS = {"get", "put", "post", "patch", "delete", "head", "options"}


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    answer = visitor(app).get("/api/openapi.json")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.get_json()
    return body


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((f"{method.upper()} {path}", item[method]) for method in METHODS & item.keys())


def test_the_document_is_valid_openapi_31(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_has_a_name_of_its_own_and_a_sentence(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, operation in operations(document))
    assert [name for name, times in names.items() if times > 1] == []
    assert [label for label, operation in operations(document) if not operation.get("summary")] == []


def test_every_operation_tells_its_refusals_as_problems(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        assert {"400", "401", "403", "404", "422", "500", "503"} <= operation["responses"].keys(), label
        assert "default" not in operation["responses"], label
    content = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(content) == ["application/problem+json"]


def test_every_write_takes_a_key_or_says_why_not(document: dict[str, Any]) -> None:
    """Sessions, tokens, codes, keys and a matrix leave nothing to repeat; sync ops have numbers of their own."""
    keyless = {
        label
        for label, operation in operations(document)
        if label.split()[0] in {"POST", "PUT", "PATCH", "DELETE"}
        and "Idempotency-Key" not in [parameter.get("name") for parameter in operation.get("parameters", [])]
    }
    assert {label for label in keyless if "/sync/v1/" not in label} == {
        "POST /api/v1/session",
        "DELETE /api/v1/session",
        "POST /api/v1/me/gis-keys",
        "POST /api/v1/tokens",
        "POST /api/v1/tokens/refresh",
        "POST /api/v1/devices/enrolment-codes",
        "POST /api/v1/streets/matrix",
    }


TUS_HEADERS = {
    "OPTIONS /sync/v1/files": (
        set(),
        {"Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"},
    ),
    "POST /sync/v1/files": (
        {"Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Checksum"},
        {"Tus-Resumable", "Location", "Upload-Offset", "Upload-Expires"},
    ),
    "HEAD /sync/v1/files/{upload_id}": (
        {"Tus-Resumable"},
        {"Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Expires"},
    ),
    "PATCH /sync/v1/files/{upload_id}": (
        {"Tus-Resumable", "Upload-Offset", "Upload-Checksum"},
        {"Tus-Resumable", "Upload-Offset", "Upload-Expires"},
    ),
    "DELETE /sync/v1/files/{upload_id}": ({"Tus-Resumable"}, {"Tus-Resumable"}),
}


def test_uploads_tell_every_header_they_read_and_write(document: dict[str, Any]) -> None:
    told = {}
    for label, operation in operations(document):
        if "/sync/v1/files" in label:
            done = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
            told[label] = ({parameter["name"] for parameter in operation.get("parameters", [])}, set(done["headers"]))
    assert told == TUS_HEADERS
    refused = document["paths"]["/sync/v1/files/{upload_id}"]["patch"]["responses"]
    assert set(refused["409"]["headers"]) == {"Tus-Resumable", "Upload-Offset"}
    assert set(refused["412"]["headers"]) == {"Tus-Resumable", "Tus-Version"}


def test_what_an_upload_answers_is_what_the_document_tells(app: Flask, session: Session, town: Town) -> None:
    tablet = given_tablet(app, session, town.lineman)
    path = f"/sync/v1/files/{town.ids['upload_id']}"
    answers = {
        "OPTIONS /sync/v1/files": app.test_client().options("/sync/v1/files"),
        "HEAD /sync/v1/files/{upload_id}": app.test_client().head(path, headers={**town.tablet.headers, **TUS}),
        "DELETE /sync/v1/files/{upload_id}": app.test_client().delete(path, headers={**town.tablet.headers, **TUS}),
    }
    for label, answer in answers.items():
        assert TUS_HEADERS[label][1] <= set(answer.headers.keys()), label
    other_version = app.test_client().head(path, headers={**tablet.headers, "Tus-Resumable": "0.2.2"})
    assert (other_version.status_code, other_version.headers["Tus-Version"]) == (412, "1.0.0")


def test_a_refusal_that_passes_says_when_to_come_again(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]
    assert set(responses["TRY_LATER"]["headers"]) == {"Retry-After"}
    assert set(responses["NOT_SIGNED_IN"]["headers"]) == {"WWW-Authenticate"}
    for label, operation in operations(document):
        assert operation["responses"]["503"] == {"$ref": "#/components/responses/TRY_LATER"}, label
        assert operation["responses"]["401"] == {"$ref": "#/components/responses/NOT_SIGNED_IN"}, label


def test_a_revision_is_told_where_one_is_asked_for(document: dict[str, Any]) -> None:
    job = document["paths"]["/api/v1/jobs/{job_id}"]
    assert "If-Match" in [parameter["name"] for parameter in job["patch"]["parameters"]]
    assert all("ETag" in job[method]["responses"]["200"]["headers"] for method in ("get", "patch"))


def linted(document: dict[str, Any], folder: Path) -> None:
    if not (WEB / "node_modules").exists():
        pytest.skip("no linter: `python3 -m app test` installs it")
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    lint_document(find_node(), file)


def test_the_document_passes_the_linter(document: dict[str, Any], tmp_path: Path) -> None:
    linted(document, tmp_path)


def test_the_linter_names_what_is_missing(document: dict[str, Any], tmp_path: Path) -> None:
    """The check bites: a tag nobody described, an operation nobody summed up."""
    document["tags"].append({"name": "odd"})
    del document["paths"]["/api/v1/me"]["get"]["summary"]
    with pytest.raises(BuildFailed) as refused:
        linted(document, tmp_path)
    assert "tag-description" in str(refused.value)
    assert "/paths/~1api~1v1~1me/get/summary" in str(refused.value)


@pytest.fixture
def town(app: Flask, session: Session) -> Town:
    given_forms(session)
    return given_town(app, session, "TOWN")


@pytest.mark.slow
def test_every_operation_keeps_its_promises(
    app: Flask, session: Session, town: Town, subtests: pytest.Subtests
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        with subtests.test(operation=operation.label):
            keeps_its_promises(operation, headers_for(app, session, town, operation.path), town)
            tried += 1
    assert tried == sum(1 for _ in operations(schema.raw_schema))


def headers_for(app: Flask, session: Session, town: Town, path: str) -> dict[str, str]:
    """A login of its own for each operation: some of them end it."""
    if path.startswith("/sync/"):
        return {**given_tablet(app, session, town.lineman).headers, **TUS, "Accept-Encoding": "identity"}
    return {**bearer(app, town.boss), "Accept-Encoding": "identity"}


def keeps_its_promises(operation: Any, headers: dict[str, str], town: Town) -> None:
    counting = sys.gettrace()  # of the product only: making up what to send and judging the answer are the tools' work

    @seed(2026)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(), real=st.lists(st.sampled_from([True, True, False]), min_size=12, max_size=12))
    def run(case: Any, real: list[bool]) -> None:
        put_real_things(case, real, things_of(town))
        case.headers = {**(case.headers or {}), **headers}
        with tracer(counting):
            response = case.call()
        case.validate_response(response, checks=PROMISES)

    with without_tracer():
        run()


def things_of(town: Town) -> dict[str, Any]:
    """What a client that knows the town would send, by name."""
    lon, lat = CENTRE
    return {
        **town.ids,
        "layer": "jobs",
        "layers": "jobs,crews,outages",
        "location": {"type": "Point", "coordinates": [lon, lat]},
        "near": f"{lon},{lat}",
        "phone": town.phone,
        "caller_phone": town.phone,
        "at": NOON.isoformat(),
        "join": "auto",
        "login": town.boss.login,
        "password": PASSWORD,
        "public_key": TabletKey().jwk,
        "refresh_token": town.tablet.refresh_token,
        "hashes": [town.ids["sha256"]],
    }


def put_real_things(case: Any, real: list[bool], things: dict[str, Any]) -> None:
    """Made-up ids reach little but 404 and 422: put the town's own in place of some."""
    chosen = iter(real)
    for place in (case.path_parameters, case.query, case.headers, case.body):
        for name in sorted(set(things) & set(place)) if isinstance(place, Mapping) else []:
            if next(chosen, True):
                place[name] = things[name]
