"""The shop behind real routes."""

from __future__ import annotations

import json

from flask import Flask, Response
from flask_smorest import Api, Blueprint
from sqlalchemy.exc import DBAPIError

from mobile_sync.adapters.bundles import add_bundle_routes
from mobile_sync.adapters.http import add_sync_routes
from mobile_sync.adapters.sql import is_fatal
from mobile_sync.answers import write_refusal
from mobile_sync.protocol import Refusal, SyncProblem
from mobile_sync.simulation.postgres_app import ShopHost


def make_app(host: ShopHost) -> Flask:
    """A Flask application with nothing but the sync routes."""
    app = Flask(__name__)
    app.config.update(API_TITLE="simulation", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    blp = Blueprint("sync", __name__, url_prefix="/sync/v1")
    add_sync_routes(blp, host)
    add_bundle_routes(blp, host)
    Api(app).register_blueprint(blp)

    @app.errorhandler(SyncProblem)
    def refused(problem: SyncProblem) -> Response:
        body = write_refusal(Refusal(problem.code, problem.params, problem.errors))
        return Response(json.dumps(body), problem.status, mimetype="application/problem+json")

    @app.errorhandler(DBAPIError)
    def gave_up(error: DBAPIError) -> Response:
        status = 503 if is_fatal(error) else 500
        return Response(json.dumps({"code": "try_again", "detail": str(error.orig)}), status)

    return app
