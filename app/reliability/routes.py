"""Doors of reliability."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.kernel.spreadsheet import table_csv
from app.kernel.web import Blueprint, current_uow
from app.reliability import service
from app.reliability.report import HEADINGS, Report, flat
from app.reliability.schemas import ReliabilityArgs, ReliabilityReport

blp = Blueprint(
    "reliability", __name__, url_prefix="/api/v1", description="How often and how long customers are without supply"
)


@blp.get("/reliability")
@blp.arguments(ReliabilityArgs, location="query")
@blp.response(200, ReliabilityReport)
def show_reliability(args: dict[str, Any]) -> Report:
    """Show a branch's reliability indices by month or day"""
    return service.report(current_uow(), **args)


@blp.get("/reliability.csv")
@blp.arguments(ReliabilityArgs, location="query")
@blp.response(200, {"type": "string"}, content_type="text/csv")
def export_reliability(args: dict[str, Any]) -> Response:
    """Export them as a table"""
    table = b"".join(table_csv(HEADINGS, map(flat, service.report(current_uow(), **args).lines)))
    headers = {"Content-Disposition": 'attachment; filename="reliability.csv"'}
    return Response(table, content_type="text/csv; charset=utf-8", headers=headers)
