"""The composition root: what runs together, and which doors are open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy.exc import DBAPIError
from werkzeug.middleware.proxy_fix import ProxyFix

from app.conflicts.routes import blp as conflicts
from app.crews.routes import blp as crews
from app.customers.routes import blp as customers
from app.deadlines.routes import blp as deadlines
from app.demands.routes import blp as demands
from app.dispatch.routes import blp as dispatch
from app.fleet.routes import blp as fleet
from app.grid.routes import blp as network
from app.identity.routes import BLUEPRINTS as IDENTITY_BLUEPRINTS
from app.identity.service import authenticate, authenticate_gis
from app.jobs.routes import blp as jobs
from app.kernel.headers import install_headers
from app.kernel.observe import install_observation
from app.kernel.problem_json import Api, install_problem_handlers
from app.kernel.unit_of_work import Runtime
from app.kernel.upkeep import settle_down
from app.live import queries as live
from app.map.routes import blp as map_
from app.media.routes import blp as media
from app.notices.public import pages as public
from app.notices.routes import blp as notices
from app.ogc.routes import blp as ogc
from app.outages.routes import blp as outages
from app.planning.routes import blp as planning
from app.reliability.routes import blp as reliability
from app.runtime import build_runtime
from app.streets.routes import blp as streets
from app.supply.routes import blp as supply
from app.sync.idle import IdlePolls
from app.sync.routes import blp as sync
from app.web.docs import docs
from app.web.pages import register_pages

__all__ = ["build_runtime", "create_app", "start_serving"]

log = logging.getLogger(__name__)

BLUEPRINTS = [
    *(*IDENTITY_BLUEPRINTS, customers, streets, network, crews, demands, jobs, media),
    *(outages, dispatch, planning, deadlines, conflicts, fleet, reliability, supply, notices, map_, ogc, sync),
]


def start_serving(runtime: Runtime) -> Flask:
    """The web application of a server process.

    A database that was restored begins its new life here, before any tablet is answered out of the old one. Without
    a database the process serves all the same: its readiness says so, and pushes begin the life then.
    """
    try:
        live.epoch_of(runtime.sessions)
    except DBAPIError as error:
        log.warning("no database when the server started", extra={"error": type(error).__name__})
    runtime.engine.dispose()  # a server that forks after this must not share the connection
    app = create_app(runtime)
    settle_down()
    return app


class Web(Flask):
    """Flask without coroutines: of all eight functions that answer a request it would ask whether they are some."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is."""
        return func


def create_app(runtime: Runtime) -> Flask:
    """The web application over a runtime."""
    app = Web("app", static_folder=None)
    app.config.update(
        API_TITLE="Lamplighter",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=runtime.settings.max_upload_bytes,
        JSON_SORT_KEYS=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    if proxies := runtime.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    app.wsgi_app = IdlePolls(app)  # type: ignore[method-assign]
    app.extensions["lamplighter"] = runtime
    app.extensions["lamplighter_authenticate"] = authenticate
    app.extensions["lamplighter_authenticate_gis"] = authenticate_gis
    install_observation(app)
    install_headers(app)
    install_problem_handlers(app)
    api = Api(app, spec_kwargs={"info": {"description": DESCRIPTION, "license": LICENCE}, "servers": SERVERS})
    api.spec.components.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": "session"})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.components.security_scheme("gis", {"type": "http", "scheme": "basic"})
    api.spec.options["security"] = [{"session": []}, {"bearer": []}]
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(docs)
    app.register_blueprint(public)
    register_pages(app, stream_origin=runtime.settings.stream_origin)
    return app


# The repository states none; SPDX's word for that is NONE.
LICENCE = {"name": "None stated: all rights reserved", "identifier": "NONE"}
SERVERS = [{"url": "/", "description": "The server that answers this document"}]
DESCRIPTION = (
    "Field service for power and gas utilities. Errors are RFC 9457 problems; writes carry an Idempotency-Key; "
    "single resources carry an ETag; lists are paged by cursor."
)
