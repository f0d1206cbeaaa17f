"""The door for tablets: push, pull and files of mobile_sync under /sync/v1."""

from __future__ import annotations

from typing import Any

import flask_smorest
from flask import Response, jsonify

from app.kernel.house_docs import refusal
from app.kernel.problem_json import PROBLEM_JSON
from app.sync.document import document_uploads
from app.sync.host import Host
from app.sync.wording import problem_body
from mobile_sync.adapters.bundles import add_bundle_routes
from mobile_sync.adapters.http import add_sync_routes
from mobile_sync.protocol import SyncProblem

REFUSALS = ("400", "401", "403", "404", "409", "410", "412", "413", "415", "422", "423", "460", "500", "503", "507")


class SyncBlueprint(flask_smorest.Blueprint):
    """Ops are idempotent by their numbers and open units of their own, so nothing is wrapped around these views."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document)

    def _store_endpoint_docs(self, endpoint: str, obj: Any, parameters: Any, tags: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, parameters, tags, **options)
        for method, doc in self._docs[endpoint].items():
            if method != "parameters":
                doc["operation"] = f"{self.name}_{endpoint}"


def _document(doc: dict[str, Any], info: dict[str, Any], **_: Any) -> dict[str, Any]:
    doc["operationId"] = info["operation"]
    doc["security"] = [{"bearer": []}]
    responses = doc["responses"] = {str(status): answer for status, answer in doc.get("responses", {}).items()}
    responses.pop("default", None)  # every status there is has its own line
    for status in REFUSALS:
        responses.setdefault(status, refusal(int(status)))
    document_uploads(doc, info["operation"])
    return doc


blp = SyncBlueprint("sync", __name__, url_prefix="/sync/v1", description="Tablets push, pull and send files")
HOST = Host()
add_sync_routes(blp, HOST)
add_bundle_routes(blp, HOST)


@blp.errorhandler(SyncProblem)
def refused(problem: SyncProblem) -> Response:
    """A request refused whole"""
    response = jsonify(problem_body(problem))
    response.status_code = problem.status
    response.content_type = PROBLEM_JSON
    if problem.status in {429, 503}:
        response.headers["Retry-After"] = "5"
    return response
