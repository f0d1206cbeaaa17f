"""Doors of notices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.kernel.web import Blueprint, current_uow
from app.notices import service
from app.notices.schemas import NoticePage, NoticesArgs, NoticesOut

blp = Blueprint("notices", __name__, url_prefix="/api/v1", description="What customers are told of an outage")


@blp.get("/outages/<uuid:outage_id>/notices")
@blp.arguments(NoticesArgs, location="query")
@blp.response(200, NoticePage)
def list_notices(args: dict[str, Any], outage_id: UUID) -> dict[str, Any]:
    """List what was and will be said of an outage, newest first"""
    return service.listed(current_uow(), outage_id=outage_id, **args)


@blp.get("/outages/<uuid:outage_id>/notices/overview")
@blp.response(200, NoticesOut)
def show_notices(outage_id: UUID) -> dict[str, Any]:
    """Show how much was said at each stage, and the words as of now"""
    return service.overview(current_uow(), outage_id=outage_id)


@blp.post("/notices/<uuid:notice_id>/retry")
@blp.response(204)
def retry(notice_id: UUID) -> None:
    """Try a notice again that was given up"""
    service.retry(current_uow(), notice_id=notice_id)
