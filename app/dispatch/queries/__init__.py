"""Reads of dispatch: what is known of crews, the board, the search box."""

from __future__ import annotations

from app.dispatch.queries.board import crew_json, crews_json, may_see_crew
from app.dispatch.queries.facts import crew_facts, roster

__all__ = ["crew_facts", "crew_json", "crews_json", "may_see_crew", "roster"]
