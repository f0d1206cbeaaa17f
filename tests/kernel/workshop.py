"""A small application with doors that show one habit of the house each."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.identity.models import Person
from app.identity.service import authenticate
from app.kernel.observe import install_observation
from app.kernel.paging import StrictSchema
from app.kernel.problem_json import Api, install_problem_handlers
from app.kernel.unit_of_work import Runtime
from app.kernel.web import Blueprint, current_uow, must_match, with_etag

CANARY = "CANARY-13900001111"


class NoteIn(StrictSchema):
    """A note."""

    note = ma.fields.String(required=True)


def build_workshop(runtime: Runtime) -> Flask:
    """Compose it over a runtime, as the factory composes the real one."""
    app = Flask("workshop", static_folder=None)
    app.config.update(API_TITLE="w", API_VERSION="1", OPENAPI_VERSION="3.1.0", PROPAGATE_EXCEPTIONS=False)
    app.extensions["lamplighter"] = runtime
    app.extensions["lamplighter_authenticate"] = authenticate
    install_observation(app)
    install_problem_handlers(app)
    Api(app).register_blueprint(doors())
    return app


def doors() -> Blueprint:
    """The doors: one that minds revisions, one that breaks half-way."""
    blp = Blueprint("workshop", __name__, url_prefix="/workshop")

    @blp.patch("/revision/<int:rev>")
    @blp.arguments(NoteIn)
    def revise(body: dict[str, Any], rev: int) -> Any:
        must_match(rev)
        return with_etag(body, rev + 1)

    @blp.post("/break/<how>")
    def break_after_writing(how: str) -> Any:
        uow = current_uow()
        person = uow.session.get_one(Person, uow.actor.person_id)
        person.name = CANARY
        uow.session.flush()
        if how == "code":
            raise RuntimeError(CANARY)
        raise OperationalError(f"select '{CANARY}'", {}, Exception("server closed the connection"))

    return blp
