"""Doors to deadlines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.deadlines import alerts, service
from app.deadlines.schemas import (
    DeadlineListArgs,
    DeadlineListOut,
    DeadlinesOut,
    DeviationIn,
    PauseIn,
    deadlines,
    listed,
)
from app.kernel.web import Blueprint, current_uow

blp = Blueprint("deadlines", __name__, url_prefix="/api/v1", description="Law, promise and expectation as clocks")


@blp.get("/deadlines")
@blp.arguments(DeadlineListArgs, location="query")
@blp.response(200, DeadlineListOut)
def list_deadlines(args: dict[str, str]) -> dict[str, Any]:
    """List jobs by the limit that runs out next"""
    return {"items": [listed(row) for row in alerts.listed(current_uow(), **args)]}


@blp.post("/deadline-alerts/<uuid:deadline_alert_id>/take")
@blp.response(204)
def take_deadline(deadline_alert_id: UUID) -> None:
    """See to a limit"""
    alerts.take(current_uow(), deadline_alert_id)


@blp.post("/deadline-alerts/<uuid:deadline_alert_id>/hand-on")
@blp.response(204)
def hand_deadline_on(deadline_alert_id: UUID) -> None:
    """Put a limit to the next level at once"""
    alerts.hand_on(current_uow(), deadline_alert_id)


@blp.get("/jobs/<uuid:job_id>/deadlines")
@blp.response(200, DeadlinesOut)
def read_deadlines(job_id: UUID) -> dict[str, Any]:
    """Read a job's clocks"""
    return deadlines(service.of_job(current_uow(), job_id))


@blp.post("/jobs/<uuid:job_id>/deadlines/pause")
@blp.arguments(PauseIn)
@blp.response(200, DeadlinesOut)
def pause_deadlines(body: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Let a job's clocks stand still"""
    return deadlines(service.pause(current_uow(), job_id, **body))


@blp.post("/jobs/<uuid:job_id>/deadlines/resume")
@blp.response(200, DeadlinesOut)
def resume_deadlines(job_id: UUID) -> dict[str, Any]:
    """Let a job's clocks run on"""
    return deadlines(service.resume(current_uow(), job_id))


@blp.post("/jobs/<uuid:job_id>/deadlines/<string:deadline_code>/deviation")
@blp.arguments(DeviationIn)
@blp.response(200, DeadlinesOut)
def explain_deviation(body: dict[str, str], job_id: UUID, deadline_code: str) -> dict[str, Any]:
    """Say why a limit was missed"""
    return deadlines(service.explain(current_uow(), job_id, deadline_code, **body))
