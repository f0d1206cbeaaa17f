"""What every request leaves behind: a number, a log line, figures; and the pages that watch over the process."""

from __future__ import annotations

import logging
import re
import time
from contextlib import ExitStack
from typing import cast

from flask import Flask, Response, current_app, g, jsonify, request

from app.kernel import health, metrics
from app.kernel.logs import configure_logging
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime

log = logging.getLogger("app.request")

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
UNKNOWN_ROUTE = "(no route)"  # never the path itself: it may hold a name, and there is no end of them
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})


def install_observation(app: Flask) -> None:
    """Number, time and count every request; serve /metrics, /health/live and /health/ready."""
    runtime = cast(Runtime, app.extensions["lamplighter"])
    configure_logging(runtime.settings.log_level)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_close)
    app.add_url_rule("/metrics", "metrics", _metrics)
    app.add_url_rule("/health/live", "health_live", lambda: jsonify(status="live"))
    app.add_url_rule("/health/ready", "health_ready", _ready)


def _begin() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if SANE_REQUEST_ID.match(sent) else str(_runtime().new_id())
    g.began = time.perf_counter()
    g.observation = ExitStack()
    g.query_count = g.observation.enter_context(count_queries())


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    route = request.url_rule.rule if request.url_rule else UNKNOWN_ROUTE
    seconds = time.perf_counter() - g.began
    queries = g.query_count.total
    method = request.method if request.method in KNOWN_METHODS else "OTHER"
    metrics.observe_request(method=method, route=route, status=response.status_code, seconds=seconds, queries=queries)
    if route not in QUIET:
        log.info(
            "request answered",
            extra={
                "method": method,
                "route": route,
                "status": response.status_code,
                "duration_ms": round(seconds * 1000, 1),
                "queries": queries,
            },
        )
    return response


def _close(error: BaseException | None) -> None:  # noqa: ARG001  # Flask's signature
    observation = g.pop("observation", None)
    if observation is not None:
        observation.close()


def _runtime() -> Runtime:
    return cast(Runtime, current_app.extensions["lamplighter"])


def _metrics() -> Response:
    return Response(metrics.exposition(_runtime()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _ready() -> Response:
    found = health.checks(_runtime())
    status = health.verdict(found)
    response = jsonify(status=status, checks=found)
    response.status_code = 503 if status == "unready" else 200
    response.headers["Cache-Control"] = "no-store"
    return response
