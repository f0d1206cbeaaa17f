"""Reads of jobs: single rows with who may see them, lists made in SQL, checklists."""

from __future__ import annotations

from app.jobs.queries.checklists import filled_slots, form_of, lock_record, newest_form, record_of
from app.jobs.queries.lists import JobFilter, attachments_json, jobs_json, jobs_rows, timeline_json
from app.jobs.queries.single import (
    JobView,
    find_jobs,
    get_branch,
    get_job,
    hands_of,
    holding_crew,
    jobs_of_outage,
    jobs_of_outages,
    lock_assignment_job,
    lock_job,
    open_assignment,
    view_job,
    view_of,
    visible_to,
)

__all__ = [
    "JobFilter",
    "JobView",
    "attachments_json",
    "filled_slots",
    "find_jobs",
    "form_of",
    "get_branch",
    "get_job",
    "hands_of",
    "holding_crew",
    "jobs_json",
    "jobs_of_outage",
    "jobs_of_outages",
    "jobs_rows",
    "lock_assignment_job",
    "lock_job",
    "lock_record",
    "newest_form",
    "open_assignment",
    "record_of",
    "timeline_json",
    "view_job",
    "view_of",
    "visible_to",
]
