"""The web habits every room shares, in one place: unit of work a request, problems, keys, ETags.

A view is a door: it takes checked arguments, calls one verb, returns rows for a schema to dump. `Blueprint` wraps each
view in one unit of work, so parsing, verb, dumping and commit either all happen or none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import flask_smorest
from flask import Request, Response, current_app, g, request
from marshmallow import Schema
from webargs.flaskparser import FlaskParser

from app.kernel import idempotency
from app.kernel.actor import Actor
from app.kernel.house_docs import UNSAFE, document_house_rules
from app.kernel.problems import (
    DeviceRevoked,
    ForeignOrigin,
    IdempotencyKeyMissing,
    NotJson,
    PreconditionFailed,
    PreconditionRequired,
    Unauthenticated,
)
from app.kernel.unit_of_work import Runtime, UnitOfWork

View = TypeVar("View", bound=Callable[..., Any])
Authenticate = Callable[[UnitOfWork], Actor]


def runtime() -> Runtime:
    """The runtime of the running application."""
    return cast(Runtime, current_app.extensions["lamplighter"])


def current_uow() -> UnitOfWork:
    """The unit of work of this request."""
    return cast(UnitOfWork, g.uow)


def anyone(view: View) -> View:
    """Mark a view that needs no login."""
    view.__dict__["open_to_anyone"] = True
    return view


def keyless(view: View) -> View:
    """Mark a write that needs no Idempotency-Key: sessions, tokens, and what is idempotent by itself."""
    view.__dict__["needs_no_key"] = True
    return view


def minds_revision(view: View) -> View:
    """Mark a view that calls `must_match`, so that the document says so."""
    view.__dict__["needs_if_match"] = True
    return view


def revoked_too(view: View) -> View:
    """Mark a view by which a revoked tablet may still deliver what it holds."""
    view.__dict__["open_to_revoked"] = True
    return view


def gis_too(view: View) -> View:
    """Mark a view that a GIS program may ask with a key of its own."""
    view.__dict__["open_to_gis"] = True
    return view


class Parser(FlaskParser):
    """webargs', strict: what is not JSON is no empty body, and a misspelt filter no wish for everything."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012  # the base class declares it so
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": None,  # the schema decides, and ours refuse
    }

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body as JSON.

        Raises:
            NotJson: another content type, or nested deeper than can be read.
        """
        if not req.is_json and req.get_data(cache=True):
            raise NotJson
        try:
            return super().load_json(req, schema)
        except RecursionError as error:
            raise NotJson from error


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's, with one unit of work around each view, a login by default and keys on writes."""

    ARGUMENTS_PARSER = Parser()

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **options: Any
    ) -> None:
        """Register the view wrapped in its unit of work."""
        wrapped = None if view_func is None else _in_unit_of_work(view_func)
        super().add_url_rule(rule, endpoint, wrapped, *args, **options)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(document_house_rules)

    def _store_endpoint_docs(self, endpoint: str, obj: Any, parameters: Any, tags: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, parameters, tags, **options)
        for method, doc in self._docs[endpoint].items():
            if method != "parameters":
                doc["house"] = {
                    "operation": f"{self.name}_{endpoint}",
                    "anyone": getattr(obj, "open_to_anyone", False),
                    "key": method.upper() in UNSAFE and not getattr(obj, "needs_no_key", False),
                    "revision": getattr(obj, "needs_if_match", False),
                }


def _in_unit_of_work(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        extension = runtime()
        with extension.unit_of_work() as uow:
            g.uow = uow
            if not getattr(view, "open_to_anyone", False):
                _let_in(uow, view)
            return _with_key(uow, view, args, kwargs)

    return door


def _let_in(uow: UnitOfWork, view: Callable[..., Any]) -> None:
    way_in = "lamplighter_authenticate" + ("_gis" if getattr(view, "open_to_gis", False) else "")
    uow.actor = cast(Authenticate, current_app.extensions[way_in])(uow)
    g.person_id = uow.actor.person_id
    if uow.actor.person_id is None:
        raise Unauthenticated
    if uow.actor.device_revoked and not getattr(view, "open_to_revoked", False):
        raise DeviceRevoked


def _with_key(uow: UnitOfWork, view: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if request.method not in UNSAFE or getattr(view, "needs_no_key", False) or uow.actor.person_id is None:
        return view(*args, **kwargs)
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= 100:
        raise IdempotencyKeyMissing
    fingerprint = idempotency.request_hash(request.method, request.full_path, request.get_data(cache=True))
    earlier = idempotency.earlier_answer(uow.session, uow.actor.person_id, key, fingerprint)
    if earlier is not None:
        return _replay(earlier)
    response = current_app.make_response(view(*args, **kwargs))
    uow.session.flush()  # a constraint must refuse before the answer is kept
    answer = idempotency.Answer(
        response.status_code, response.get_data(), response.content_type or "", response.headers.get("ETag")
    )
    idempotency.remember(uow.session, uow.actor.person_id, key, fingerprint, answer, uow.now)
    return response


def _replay(answer: idempotency.Answer) -> Response:
    response = Response(answer.body, answer.status, content_type=answer.content_type)
    response.headers["Idempotent-Replayed"] = "true"
    if answer.etag:
        response.headers["ETag"] = answer.etag
    return response


def presented_token(cookie: str) -> tuple[str, bool]:
    """The token of this request and whether it came as a cookie; "" when there is none. A bearer token goes first."""
    sent = request.headers.get("Authorization", "")
    if sent.partition(" ")[0]:
        return bearer_token(sent), False
    return request.cookies.get(cookie, ""), True


def bearer_token(authorization: str) -> str:
    """The token of an Authorization header; "" when it is of another scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def presented_password() -> str:
    """What programs that know only passwords show: HTTP Basic's (under any name), or a bearer token; "" for none."""
    sent = request.authorization
    if sent is not None and sent.type == "basic":
        return sent.password or ""
    return bearer_token(request.headers.get("Authorization", ""))


def is_unsafe() -> bool:
    """Whether this request may change something."""
    return request.method in UNSAFE


def refuse_foreign_origin(public_origin: str) -> None:
    """Cookies come along from any site, so an unsafe request that carries one must come from our own pages.

    Raises:
        ForeignOrigin: Sec-Fetch-Site or Origin names another site.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        raise ForeignOrigin
    origin = request.headers.get("Origin")
    own = {public_origin, f"{request.scheme}://{request.host}"}
    if origin is not None and origin not in own:
        raise ForeignOrigin


def etag_of(rev: int) -> str:
    """A strong ETag over the revision."""
    return f'"{rev}"'


def with_etag(body: Any, rev: int) -> tuple[Any, dict[str, str]]:
    """A view's result with its ETag header."""
    return body, {"ETag": etag_of(rev)}


def must_match(rev: int) -> None:
    """Compare If-Match with the row's revision.

    Raises:
        PreconditionRequired: no If-Match was sent.
        PreconditionFailed: the row has moved on.
    """
    sent = request.headers.get("If-Match")
    if sent is None:
        raise PreconditionRequired
    if sent.strip() not in {etag_of(rev), "*"}:
        raise PreconditionFailed(rev=rev)
