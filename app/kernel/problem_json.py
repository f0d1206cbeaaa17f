"""Problems as application/problem+json (RFC 9457): our own, werkzeug's and webargs', in the reader's language."""

from __future__ import annotations

from typing import Any

import flask_smorest
import marshmallow as ma
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from app.kernel.problems import FieldError, Invalid, NotFound, NotJson, Problem

PROBLEM_JSON = "application/problem+json"
JSON = "application/json"
LANGUAGES = ("zh-CN", "en")


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

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Werkzeug's and webargs' errors as problems."""
        return problem_response(_problem_of(error))


def _problem_of(error: HTTPException) -> Problem:
    messages = getattr(error, "data", {}).get("messages") if getattr(error, "data", None) else None
    if error.code == 422 and messages:
        return Invalid(*_field_errors(messages))
    if error.code == 400:
        return NotJson()
    if error.code == 404:
        return NotFound()
    problem = Problem()
    problem.status = error.code or 500  # type: ignore[misc]  # an HTTP error without a class of its own
    problem.params = {"name": error.name}
    return problem


def _field_errors(messages: dict[str, Any]) -> list[FieldError]:
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
        response.headers["Retry-After"] = str(problem.params.get("retry_after_s", 5))
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def install_problem_handlers(app: Flask) -> None:
    """Every refusal of the house leaves as problem+json."""
    app.register_error_handler(Problem, problem_response)
