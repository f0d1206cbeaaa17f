"""Reads of conflicts, with the job they are about, who wrote which value, and what the server holds now."""

from __future__ import annotations

from app.conflicts.queries.held import Alarm, Held, alarms_of, lock_conflicts, standing_of
from app.conflicts.queries.history import history_json
from app.conflicts.queries.lists import conflicts_json
from app.conflicts.queries.owners import owners_json
from app.conflicts.queries.travel import docs_of, lock_rev, open_about, outstayed, places_of, places_of_jobs

__all__ = [
    "Alarm",
    "Held",
    "alarms_of",
    "conflicts_json",
    "docs_of",
    "history_json",
    "lock_conflicts",
    "lock_rev",
    "open_about",
    "outstayed",
    "owners_json",
    "places_of",
    "places_of_jobs",
    "standing_of",
]
