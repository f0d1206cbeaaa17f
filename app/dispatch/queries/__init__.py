"""Reads of dispatch: what is known of crews, the list of them, the day board, visits."""

from __future__ import annotations

from app.dispatch.queries.alerts import (
    holders,
    is_one,
    job_of_alert,
    lock_alert,
    raised_already,
    standing_alerts,
    stands,
    unanswered,
    untaken,
)
from app.dispatch.queries.board import crew_json, crews_json, may_see_crew
from app.dispatch.queries.day import branch_zone, day_json
from app.dispatch.queries.facts import crew_facts, roster
from app.dispatch.queries.rest_of_day import crews_now, tier_of, visits_ahead
from app.dispatch.queries.visits import clashing_visit

__all__ = [
    "branch_zone",
    "clashing_visit",
    "crew_facts",
    "crew_json",
    "crews_json",
    "crews_now",
    "day_json",
    "holders",
    "is_one",
    "job_of_alert",
    "lock_alert",
    "may_see_crew",
    "raised_already",
    "roster",
    "standing_alerts",
    "stands",
    "tier_of",
    "unanswered",
    "untaken",
    "visits_ahead",
]
