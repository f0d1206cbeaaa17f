"""Doors of crews. The board of crews with their live jobs is dispatch's: it needs jobs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.crews import service
from app.crews.schemas import CrewRegions, FixIn, FixOut, RegionsIn
from app.crews.service import Region
from app.kernel.web import Blueprint, current_uow

blp = Blueprint("crews", __name__, url_prefix="/api/v1", description="Crews, their duty and positions")


@blp.post("/crews/<uuid:crew_id>/positions")
@blp.arguments(FixIn)
@blp.response(201, FixOut)
def record_fix(fix: dict[str, Any], crew_id: UUID) -> dict[str, bool]:
    """Report where a crew is"""
    return {"newest": service.record_fix(current_uow(), crew_id=crew_id, **fix)}


@blp.get("/crews/<uuid:crew_id>/regions")
@blp.response(200, CrewRegions)
def list_regions(crew_id: UUID) -> dict[str, list[Region]]:
    """List the sub-districts and which of them a crew serves"""
    return {"items": service.regions(current_uow(), crew_id=crew_id)}


@blp.put("/crews/<uuid:crew_id>/regions")
@blp.arguments(RegionsIn)
@blp.response(200, CrewRegions)
def serve_regions(wanted: dict[str, Any], crew_id: UUID) -> dict[str, list[Region]]:
    """Set the sub-districts a crew serves; its tablets hold what is amiss there"""
    return {"items": service.serve(current_uow(), crew_id=crew_id, **wanted)}
