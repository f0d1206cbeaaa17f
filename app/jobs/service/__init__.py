"""Verbs of jobs; see the room's page (`app.jobs`)."""

from __future__ import annotations

from app.jobs.service.checklists import answer, correct_answer, publish_form
from app.jobs.service.edits import (
    correct_place,
    correct_words,
    edit_job,
    note_finding,
    note_place,
    raise_priority,
    regroup,
)
from app.jobs.service.life import assign, move_visit, open_job, transition, withdraw
from app.jobs.service.timeline import note_event

__all__ = [
    "answer",
    "assign",
    "correct_answer",
    "correct_place",
    "correct_words",
    "edit_job",
    "move_visit",
    "note_event",
    "note_finding",
    "note_place",
    "open_job",
    "publish_form",
    "raise_priority",
    "regroup",
    "transition",
    "withdraw",
]
