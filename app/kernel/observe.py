"""What every request leaves behind: a number, a log line, figures; and the pages that watch over the process."""

from __future__ import annotations

import logging
import re
import time
from contextlib import ExitStack
from typing import Any, cast

from flask import Flask, Response, current_app, g, jsonify, request

from app.kernel import health, metrics
from app.kernel.ids import NewId
from app.kernel.logs import configure_logging
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime

log = logging.getLogger("app.request")

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
UNKNOWN_ROUTE = "(no route)"  # never the path itself: it may hold a name, and there is no end of them
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})
OBSERVED = "lamplighter.observed"  # in a request's environment, when somebody before Flask began to observe it


class Observed:
    """A request under way: its number, when it began, and the statements it sends."""

    def __init__(self, sent_id: str, new_id: NewId) -> None:
        self.request_id = sent_id if SANE_REQUEST_ID.match(sent_id) else str(new_id())
        self._began = time.perf_counter()
        self._counting = ExitStack()
        self._sent = self._counting.enter_context(count_queries())

    def answered(self, method: str, route: str, status: int, **ids: Any) -> None:
        """Count it and leave its line, with these ids."""
        seconds, queries = time.perf_counter() - self._began, self._sent.total
        metrics.observe_request(method=method, route=route, status=status, seconds=seconds, queries=queries)
        if route in QUIET or not log.isEnabledFor(logging.INFO):
            return
        told = {"method": method, "route": route, "status": status}
        figures = {"duration_ms": round(seconds * 1000, 1), "queries": queries}
        log.info("request answered", extra={**told, **figures, **ids})

    def close(self) -> None:
        """Count its statements no longer; called by the thread that began it."""
        self._counting.close()


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
    begun = request.environ.get(OBSERVED)
    g.observed = begun or Observed(request.headers.get("X-Request-Id", ""), _runtime().new_id)
    g.request_id = g.observed.request_id


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    route = request.url_rule.rule if request.url_rule else UNKNOWN_ROUTE
    method = request.method if request.method in KNOWN_METHODS else "OTHER"
    g.observed.answered(method, route, response.status_code)
    return response


def _close(error: BaseException | None) -> None:  # noqa: ARG001  # Flask's signature
    observed = g.pop("observed", None)
    if observed is not None:
        observed.close()


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
