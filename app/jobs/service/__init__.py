"""Verbs of jobs; see the room's page (`app.jobs`)."""

from __future__ import annotations

from app.jobs.service.checklists import answer, publish_form
from app.jobs.service.edits import edit_job, note_finding, raise_priority
from app.jobs.service.life import assign, move_visit, open_job, transition, withdraw

__all__ = [
    "answer",
    "assign",
    "edit_job",
    "move_visit",
    "note_finding",
    "open_job",
    "publish_form",
    "raise_priority",
    "transition",
    "withdraw",
]
