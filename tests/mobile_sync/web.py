"""The sample application behind HTTP: the same shop, a door, and a real server on a port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask, Response, request
from flask_smorest import Api, Blueprint
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7
from werkzeug.serving import make_server

from mobile_sync.adapters.bundles import Origin, Taken, add_bundle_routes
from mobile_sync.adapters.http import SqlHost, add_sync_routes
from mobile_sync.adapters.local_store import LocalStore, PartialFiles
from mobile_sync.answers import write_refusal
from mobile_sync.blobs import FileLimit, ObjectStore, Upload
from mobile_sync.protocol import Bucket, Device, Refusal, SyncProblem
from mobile_sync.sealing import ServerKeys
from tests.mobile_sync.sample import Shop, Unit


class WebShop(SqlHost[Unit]):
    """The shop as a host of the routes. The bearer token is the device's id."""

    schema_version = 1
    file_limits: Mapping[str, FileLimit] = {"photo": FileLimit(frozenset({"image/jpeg"}), 20_000_000)}

    def __init__(self, shop: Shop, folder: Path, store: ObjectStore | None = None) -> None:
        self.shop = shop
        self.collections = shop.collections
        self.store: ObjectStore = store or LocalStore(folder)
        self.partial = PartialFiles(folder / "partial")
        self.verified: list[Upload] = []

    def device(self) -> Device:
        """Whoever says so."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            raise SyncProblem("no_token", 401)
        return self.shop.device(UUID(token))

    def unit(self, _device: Device) -> AbstractContextManager[Unit]:
        """One transaction."""
        return self.shop.unit()

    def snapshot(self, _device: Device) -> AbstractContextManager[Unit]:
        """One snapshot."""
        return self.shop.snapshot()

    def session(self, ctx: Unit) -> Session:
        """The unit's."""
        return ctx.session

    def now(self, ctx: Unit) -> Any:
        """The unit's."""
        return ctx.now

    def new_id(self, _ctx: Unit) -> UUID:
        """UUIDv7."""
        return uuid7()

    def scope(self, _ctx: Unit, device: Device) -> Sequence[Bucket]:
        """The device's shelves."""
        return self.shop.scope(device)

    def savepoint(self, ctx: Unit) -> AbstractContextManager[None]:
        """The shop's."""
        return self.shop.savepoint(ctx)

    def alarm(self, *told: Any) -> None:
        """The shop's."""
        self.shop.alarm(*told)

    def inspect_file(self, path: Path, _upload: Upload) -> None:
        """No photo begins with MZ."""
        with path.open("rb") as file:
            if file.read(2) == b"MZ":
                raise SyncProblem("not_a_photo", 422)

    def file_verified(self, _ctx: Unit, upload: Upload) -> None:
        """Remember it."""
        self.verified.append(upload)


class BundleShop(WebShop):
    """A shop that takes sealed bundles from devices whose keys it knows."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        super().__init__(shop, folder)
        self.server_keys = [ServerKeys.derived("the secret of the shop")]
        self.public_keys: dict[UUID, Mapping[str, str]] = {}
        self.taken: list[Taken] = []

    def courier(self) -> Device | None:
        """Any device."""
        return self.device()

    def origin(self, device_id: UUID, _person_id: UUID | None) -> Origin:
        """A device whose key is known."""
        if device_id not in self.public_keys:
            raise SyncProblem("unknown_origin", 422)
        return Origin(self.shop.device(device_id), self.public_keys[device_id])

    def on_behalf(self, _origin: Device) -> AbstractContextManager[None]:
        """Everybody may do everything here."""
        return nullcontext()

    def bundle_taken(self, _ctx: Unit, taken: Taken) -> None:
        """Remember it."""
        self.taken.append(taken)


def make_app(host: WebShop) -> Flask:
    """A Flask application with nothing but the sync routes."""
    app = Flask(__name__)
    app.config.update(API_TITLE="shop", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    blp = Blueprint("sync", __name__, url_prefix="/sync/v1")
    add_sync_routes(blp, host)
    if isinstance(host, BundleShop):
        add_bundle_routes(blp, host)
    Api(app).register_blueprint(blp)

    @app.errorhandler(SyncProblem)
    def refused(problem: SyncProblem) -> Response:
        body = {"status": problem.status, **write_refusal(Refusal(problem.code, problem.params, problem.errors))}
        return Response(json.dumps(body), problem.status, mimetype="application/problem+json")

    return app


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application on a free port; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
