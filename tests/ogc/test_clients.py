"""Real clients read the service over HTTP: OWSLib, and GDAL's OAPIF driver, which QGIS reads with too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from owslib.ogcapi.features import Features
from owslib.util import Authentication
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app.identity.models import Branch, Person
from tests.factories import CENTRE, given_branch, given_person, signed_in
from tests.factories_field import at_m, given_premises

# In a process of its own: GDAL waits for our answers with Python's lock held.
READ = """
import json, sys, pyogrio
address, key, layer, box = sys.argv[1:]
pyogrio.set_gdal_config_options({"GDAL_HTTP_AUTH": "BASIC", "GDAL_HTTP_USERPWD": "gis:" + key})
layers = [name for name, _ in pyogrio.list_layers("OAPIF:" + address)]
meta, _, shapes, columns = pyogrio.raw.read("OAPIF:" + address, layer=layer, PAGE_SIZE=4)
boxed = pyogrio.raw.read("OAPIF:" + address, layer=layer, bbox=tuple(map(float, box.split(","))))
columns = {name: list(map(str, column)) for name, column in zip(meta["fields"], columns)}
print(json.dumps({"layers": layers, "crs": meta["crs"], "kind": meta["geometry_type"], "columns": columns,
                  "count": len(shapes), "boxed": len(boxed[2])}))
"""


@pytest.fixture
def branch(session: Session) -> Branch:
    branch = given_branch(session)
    for number in range(9):
        given_premises(session, branch, at_m(10 * number, 0), address=f"Home {number}")
    return branch


@pytest.fixture
def person(session: Session, branch: Branch) -> Person:
    return given_person(session, branch)


@pytest.fixture
def key(app: Flask, person: Person) -> str:
    made = signed_in(app, person).post("/api/v1/me/gis-keys", json={"name": "QGIS"})
    assert made.status_code == 201, made.text
    secret: str = made.get_json()["secret"]
    return secret


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """One request at a time: all of them stand on the test's one connection."""
    server = make_server("127.0.0.1", 0, app, threaded=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ogc"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_owslib_reads_the_service_with_a_key(address: str, key: str) -> None:
    client = Features(address, auth=Authentication("gis", key))
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in client.conformance()["conformsTo"]
    assert {"jobs", "crews", "outages", "network-links", "premises"} <= set(client.feature_collections())
    assert client.api()["openapi"] == "3.0.3"
    assert client.collection("premises")["title"]
    lon, lat = CENTRE
    first = client.collection_items("premises", limit=5)
    assert (first["numberMatched"], first["numberReturned"]) == (9, 5)
    near = client.collection_items("premises", bbox=[lon - 0.00001, lat - 0.001, lon + 0.00025, lat + 0.001])
    assert {one["properties"]["address"] for one in near["features"]} == {"Home 0", "Home 1", "Home 2"}
    one = client.collection_item("premises", near["features"][0]["id"])
    assert one["properties"] == near["features"][0]["properties"]
    assert client.collection_items("premises", code=one["properties"]["code"])["numberMatched"] == 1
    with pytest.raises(RuntimeError, match="bad-parameter"):
        client.collection_items("premises", colour="red")


def gdal(address: str, key: str, layer: str, box: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-c", READ, address, key, layer, box]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(  # noqa: S603  # our own program
        command, capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_gdal_reads_layers_pages_and_boxes(address: str, key: str) -> None:
    lon, lat = CENTRE
    told = gdal(address, key, "premises", f"{lon - 0.00001},{lat - 0.001},{lon + 0.00025},{lat + 0.001}")
    assert {"jobs", "crews", "outages", "network-nodes", "network-links", "switchgear", "premises"} == set(
        told["layers"]
    )
    assert (told["count"], told["boxed"], told["kind"]) == (9, 3, "Point")
    assert {"id", "code", "address", "area_kind"} <= set(told["columns"])
    assert set(told["columns"]["address"]) == {f"Home {number}" for number in range(9)}
    assert "CRS84" in told["crs"]
