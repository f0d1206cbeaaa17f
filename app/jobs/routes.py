"""Doors of jobs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.jobs import pages, queries, service
from app.jobs.queries import JobFilter
from app.jobs.schemas import (
    Attachments,
    JobDetail,
    JobPage,
    JobPatch,
    JobsArgs,
    JobsCsvArgs,
    Timeline,
    TransitionIn,
)
from app.kernel.house_docs import REVISION_HEADER
from app.kernel.problem_json import JSON
from app.kernel.web import Blueprint, current_uow, minds_revision, must_match, with_etag

blp = Blueprint("jobs", __name__, url_prefix="/api/v1", description="Jobs, their life, checklists and timelines")


@blp.get("/jobs")
@blp.arguments(JobsArgs, location="query")
@blp.response(200, JobPage)
def list_jobs(args: dict[str, Any]) -> Response:
    """List jobs, newest first"""
    uow, page = current_uow(), {"limit": args.pop("limit"), "cursor": args.pop("cursor", None)}
    return Response(queries.jobs_json(uow.session, uow.actor, JobFilter(**args), **page), content_type=JSON)


@blp.get("/jobs.csv")
@blp.arguments(JobsCsvArgs, location="query")
@blp.response(200, {"type": "string"}, content_type="text/csv")
def export_jobs(args: dict[str, Any]) -> Response:
    """Export jobs as a table"""
    uow = current_uow()
    table = pages.stream_csv(uow.runtime, uow.actor, JobFilter(**args))
    headers = {"Content-Disposition": 'attachment; filename="jobs.csv"'}
    return Response(table, content_type="text/csv; charset=utf-8", headers=headers)


@blp.get("/jobs/<uuid:job_id>")
@blp.response(200, JobDetail, headers=REVISION_HEADER)
def open_job(job_id: UUID) -> Any:
    """Show a job with its checklist"""
    uow = current_uow()
    view = queries.view_job(uow.session, uow.actor, job_id)
    return with_etag(pages.page_of(uow, view), view.job.rev)


@blp.patch("/jobs/<uuid:job_id>")
@blp.arguments(JobPatch)
@blp.response(200, JobDetail, headers=REVISION_HEADER)
@minds_revision
def edit_job(changes: dict[str, Any], job_id: UUID) -> Any:
    """Correct a job"""
    uow = current_uow()
    job = queries.lock_job(uow.session, uow.actor, job_id)
    must_match(job.rev)
    service.edit_job(uow, job=job, changes=changes)
    return with_etag(pages.page_of(uow, queries.view_of(uow.session, job)), job.rev)


@blp.post("/jobs/<uuid:job_id>/transitions")
@blp.arguments(TransitionIn)
@blp.response(200, JobDetail, headers=REVISION_HEADER)
def move_job(step: dict[str, Any], job_id: UUID) -> Any:
    """Move a job one step in its life"""
    uow = current_uow()
    job = service.transition(uow, job=queries.lock_job(uow.session, uow.actor, job_id), **step)
    return with_etag(pages.page_of(uow, queries.view_of(uow.session, job)), job.rev)


@blp.get("/jobs/<uuid:job_id>/timeline")
@blp.response(200, Timeline)
def timeline(job_id: UUID) -> Response:
    """List what has happened to a job"""
    uow = current_uow()
    job = queries.get_job(uow.session, uow.actor, job_id)
    return _items(queries.timeline_json(uow.session, job.id))


@blp.get("/jobs/<uuid:job_id>/attachments")
@blp.response(200, Attachments)
def attachments(job_id: UUID) -> Response:
    """List a job's photos and signatures"""
    uow = current_uow()
    job = queries.get_job(uow.session, uow.actor, job_id)
    return _items(queries.attachments_json(uow.session, job.id))


def _items(array: str) -> Response:
    return Response(f'{{"items":{array}}}', content_type=JSON)
