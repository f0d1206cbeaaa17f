"""The OpenAPI document is sound, and every operation keeps what it promises (schemathesis, in process)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
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

from tests.api.town import Town, given_town
from tests.factories import CENTRE, PASSWORD, TabletKey, bearer, given_tablet, visitor
from tests.factories_field import NOON, given_forms
from tests.sync.field import TUS

EXAMPLES = 12
PROMISES = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
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
    """Sessions, tokens and codes leave nothing to repeat; sync ops have numbers of their own."""
    keyless = {
        label
        for label, operation in operations(document)
        if label.split()[0] in {"POST", "PUT", "PATCH", "DELETE"}
        and "Idempotency-Key" not in [parameter.get("name") for parameter in operation.get("parameters", [])]
    }
    assert {label for label in keyless if "/sync/v1/" not in label} == {
        "POST /api/v1/session",
        "DELETE /api/v1/session",
        "POST /api/v1/tokens",
        "POST /api/v1/tokens/refresh",
        "POST /api/v1/devices/enrolment-codes",
    }


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
    @seed(2026)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(), real=st.lists(st.sampled_from([True, True, False]), min_size=12, max_size=12))
    def run(case: Any, real: list[bool]) -> None:
        put_real_things(case, real, things_of(town))
        case.headers = {**(case.headers or {}), **headers}
        response = case.call()
        case.validate_response(response, checks=PROMISES)

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
