"""Doors to streets: what is reached, and how long from where to where."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.kernel.web import Blueprint, current_uow, keyless
from app.streets import service
from app.streets.schemas import IsochronesArgs, IsochronesOut, MatrixIn, MatrixOut, areas_json, matrix_json

blp = Blueprint("streets", __name__, url_prefix="/api/v1/streets", description="Travel times along the streets")


@blp.get("/isochrones")
@blp.arguments(IsochronesArgs, location="query")
@blp.response(200, IsochronesOut, content_type="application/geo+json")
def isochrones(args: dict[str, Any]) -> Response:
    """Show what a vehicle reaches within some minutes"""
    response = jsonify(areas_json(service.isochrones(current_uow(), **args)))
    response.mimetype = "application/geo+json"
    return response


@blp.post("/matrix")
@keyless
@blp.arguments(MatrixIn)
@blp.response(200, MatrixOut)
def matrix(wanted: dict[str, Any]) -> Response:
    """Tell how long and far it is between places (changes nothing)"""
    return jsonify(matrix_json(service.matrix_of(current_uow(), **wanted)))
