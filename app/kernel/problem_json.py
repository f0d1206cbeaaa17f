"""Problems as application/problem+json (RFC 9457): our own, werkzeug's and webargs', in the reader's language."""

from __future__ import annotations

import logging
from typing import Any, cast

import flask_smorest
import marshmallow as ma
from flask import Flask, Response, g, jsonify, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.kernel.house_docs import REFUSAL_HEADERS
from app.kernel.problems import (
    FieldError,
    InternalError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    NotJson,
    Problem,
    TooLarge,
    Unavailable,
)

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
JSON = "application/json"
LANGUAGES = ("zh-CN", "en")
RETRY_AFTER_S = 5


def language() -> str:
    """`zh-CN` or `en`, by Accept-Language; Chinese when nothing fits."""
    return request.accept_languages.best_match(LANGUAGES, default="zh-CN")


class ProblemSchema(ma.Schema):
    """RFC 9457 problem details."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    code = ma.fields.String(required=True)
    detail = ma.fields.String()
    params = ma.fields.Dict()
    errors = ma.fields.List(ma.fields.Dict())


class Api(flask_smorest.Api):
    """flask-smorest's, speaking problem+json, with operation ids and security schemes."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_RESPONSE_CONTENT_TYPE: str = JSON

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = PROBLEM_JSON
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = JSON
        for name, (description, headers) in REFUSAL_HEADERS.items():
            content = {PROBLEM_JSON: {"schema": ProblemSchema}}
            body = {"description": description, "headers": headers, "content": content}
            self.spec.components.response(name, body, lazy=True)

    def _register_pagination_header(self) -> None:
        """Pages carry their cursor in the body: flask-smorest's header would stand in the document unused."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Werkzeug's and webargs' errors as problems; their own headers (Allow, Location) go along."""
        own = error.get_response()
        if own.status_code < 400:
            return cast(Response, own)  # a redirect to the right address is no refusal
        response = problem_response(_problem_of(error))
        if "Allow" in own.headers:
            response.headers["Allow"] = own.headers["Allow"]
        return response


_PROBLEM_BY_STATUS: dict[int | None, type[Problem]] = {
    400: NotJson,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    500: InternalError,
}


def _problem_of(error: HTTPException) -> Problem:
    messages = getattr(error, "data", {}).get("messages") if getattr(error, "data", None) else None
    if error.code == 422 and messages:
        return Invalid(*field_errors(messages))
    known = _PROBLEM_BY_STATUS.get(error.code)
    if known is not None:
        return known()
    problem = Problem()
    problem.status = error.code or 500  # type: ignore[misc]  # an HTTP error without a class of its own
    problem.params = {"name": error.name}
    return problem


def field_errors(messages: dict[str, Any]) -> list[FieldError]:
    """What marshmallow found amiss, by place and field."""
    found: list[FieldError] = []
    for place, content in messages.items():
        if isinstance(content, dict):
            _collect(content, "", found)
        else:
            found.append(FieldError(place, "invalid", {"messages": content}))
    return found


def _collect(content: dict[Any, Any], prefix: str, found: list[FieldError]) -> None:
    for key, value in content.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict):
            _collect(value, path, found)
        else:
            found.extend(_field_error(path, str(message)) for message in value)


_REASON_BY_TEXT = (
    ("Missing data", "required"),
    ("may not be null", "required"),
    ("Unknown field", "unknown_field"),
    ("unstorable", "unstorable"),
    ("Shorter than", "too_short"),
    ("Longer than", "too_long"),
    ("Must be one of", "choice"),
    ("Length must be", "length"),
    ("Must be greater than", "out_of_range"),
    ("Must be less than", "out_of_range"),
)


def _field_error(path: str, message: str) -> FieldError:
    """Turn marshmallow's sentences into codes: the screens need them."""
    reason = next((code for text, code in _REASON_BY_TEXT if text in message), None)
    return FieldError(path, reason) if reason else FieldError(path, "invalid", {"detail": message})


def problem_response(problem: Problem) -> Response:
    """The problem as an answer in the reader's language."""
    response = jsonify(problem.as_json(language()))
    response.status_code = problem.status
    response.content_type = PROBLEM_JSON
    if problem.status in {429, 503}:
        response.headers["Retry-After"] = str(problem.params.get("retry_after_s", RETRY_AFTER_S))
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def install_problem_handlers(app: Flask) -> None:
    """Every refusal of the house leaves as problem+json; so does what broke, without saying what."""
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(PoolTimeout, _database_away)
    app.register_error_handler(Exception, _broken)


def _database_away(error: Exception) -> Response:
    log.error("database not reachable", exc_info=error)
    return problem_response(Unavailable(retry_after_s=RETRY_AFTER_S))


def _broken(error: Exception) -> Response:
    log.error("unhandled exception", exc_info=error)
    return problem_response(InternalError(request_id=g.get("request_id")))
