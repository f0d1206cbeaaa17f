"""Doors of customers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.customers import service
from app.customers.schemas import NearArgs, PremisesNear, PremisesOut, brief
from app.kernel.web import Blueprint, current_uow

blp = Blueprint("customers", __name__, url_prefix="/api/v1", description="Premises, accounts and who holds them")


@blp.get("/premises/<uuid:premises_id>")
@blp.response(200, PremisesOut)
def open_premises(premises_id: UUID) -> service.PremisesPage:
    """Show a premises with its accounts"""
    return service.open_premises(current_uow(), premises_id=premises_id)


@blp.get("/premises")
@blp.arguments(NearArgs, location="query")
@blp.response(200, PremisesNear)
def premises_near(args: dict[str, Any]) -> dict[str, Any]:
    """List premises around a point"""
    return {"items": [brief(*found) for found in service.premises_near(current_uow(), **args)]}
