"""Doors of dispatch: candidates, assignments, booked visits, the day board, the list of crews, the search box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response, jsonify

from app.dispatch import alerts, queries, service
from app.dispatch.board import DayArgs, DayBoard, day_board
from app.dispatch.proposing import Move, accept, proposal_json
from app.dispatch.proposing import propose as propose_crew
from app.dispatch.schemas import (
    AssignmentIn,
    AssignmentOut,
    CandidatesArgs,
    CandidatesOut,
    CrewAlertOut,
    CrewAlerts,
    CrewDetail,
    CrewPage,
    CrewsArgs,
    ProposalOut,
    TakeProposalIn,
    VisitIn,
    VisitOut,
    WithdrawIn,
    alert_json,
    ranking_json,
)
from app.dispatch.search import Hits, SearchArgs, search
from app.kernel.problem_json import JSON
from app.kernel.web import Blueprint, current_uow, etag_of

if TYPE_CHECKING:
    from app.jobs.models import Assignment

blp = Blueprint("dispatch", __name__, url_prefix="/api/v1", description="Who is sent, and why")


@blp.get("/jobs/<uuid:job_id>/candidates")
@blp.arguments(CandidatesArgs, location="query")
@blp.response(200, CandidatesOut)
def list_candidates(args: dict[str, Any], job_id: UUID) -> Response:
    """Rank the crews for a job"""
    return jsonify(ranking_json(service.candidates(current_uow(), job_id=job_id, **args)))


@blp.post("/jobs/<uuid:job_id>/assignments")
@blp.arguments(AssignmentIn)
@blp.response(201, AssignmentOut)
def dispatch_crew(wanted: dict[str, Any], job_id: UUID) -> Assignment:
    """Send a crew to a job"""
    return service.dispatch_crew(current_uow(), job_id=job_id, **wanted)


@blp.get("/jobs/<uuid:job_id>/proposal")
@blp.response(200, ProposalOut)
def propose(job_id: UUID) -> Response:
    """Propose who goes, and what that moves"""
    return jsonify(proposal_json(propose_crew(current_uow(), job_id=job_id)))


@blp.post("/jobs/<uuid:job_id>/proposal")
@blp.arguments(TakeProposalIn)
@blp.response(201, AssignmentOut)
def accept_proposal(wanted: dict[str, Any], job_id: UUID) -> Assignment:
    """Send the proposed crew and move what has to move"""
    moves = [Move(**move) for move in wanted.pop("moves")]
    return accept(current_uow(), job_id=job_id, moves=moves, **wanted)


@blp.post("/assignments/<uuid:assignment_id>/withdraw")
@blp.arguments(WithdrawIn)
@blp.response(200, AssignmentOut)
def withdraw(body: dict[str, Any], assignment_id: UUID) -> Assignment:
    """Take a job back from its crew"""
    return service.withdraw(current_uow(), assignment_id=assignment_id, **body)


@blp.post("/jobs/<uuid:job_id>/visits")
@blp.arguments(VisitIn)
@blp.response(201, VisitOut)
def book_visit(wanted: dict[str, Any], job_id: UUID) -> Assignment:
    """Book a job on a crew's day"""
    return service.book_visit(current_uow(), job_id=job_id, **wanted)


@blp.post("/assignments/<uuid:assignment_id>/move")
@blp.arguments(VisitIn)
@blp.response(200, VisitOut)
def move_visit(wanted: dict[str, Any], assignment_id: UUID) -> Assignment:
    """Book a visit for another time or crew"""
    return service.move_visit(current_uow(), assignment_id=assignment_id, **wanted)


@blp.get("/crew-alerts")
@blp.response(200, CrewAlerts)
def list_alerts() -> Response:
    """List crews that were sent and did not go"""
    return jsonify({"items": [alert_json(one) for one in alerts.open_alerts(current_uow())]})


@blp.post("/crew-alerts/<uuid:alert_id>/take")
@blp.response(200, CrewAlertOut)
def take_alert(alert_id: UUID) -> Response:
    """See to a crew that did not go"""
    return jsonify(alert_json(alerts.take(current_uow(), alert_id=alert_id)))


@blp.post("/crew-alerts/<uuid:alert_id>/send")
@blp.arguments(AssignmentIn)
@blp.response(201, AssignmentOut)
def send_instead(wanted: dict[str, Any], alert_id: UUID) -> Assignment:
    """Send another crew instead"""
    return alerts.send_instead(current_uow(), alert_id=alert_id, **wanted)


@blp.get("/board")
@blp.arguments(DayArgs, location="query")
@blp.response(200, DayBoard)
def open_day(args: dict[str, Any]) -> Response:
    """Show a day's crews with their visits and jobs"""
    return Response(day_board(current_uow(), **args), content_type=JSON)


@blp.get("/crews")
@blp.arguments(CrewsArgs, location="query")
@blp.response(200, CrewPage)
def list_crews(args: dict[str, Any]) -> Response:
    """List crews with duty, position and live job"""
    uow, page = current_uow(), {"limit": args["limit"], "cursor": args.get("cursor")}
    found = queries.crews_json(uow.session, uow.actor, now=uow.now, ids=args.get("id"), **page)
    return Response(found, content_type=JSON)


@blp.get("/crews/<uuid:crew_id>")
@blp.response(200, CrewDetail)
def open_crew(crew_id: UUID) -> Response:
    """Show a crew with its members"""
    uow = current_uow()
    rev = queries.may_see_crew(uow.session, uow.actor, crew_id)
    body = queries.crew_json(uow.session, crew_id, now=uow.now)
    return Response(body, content_type=JSON, headers={"ETag": etag_of(rev)})


@blp.get("/search")
@blp.arguments(SearchArgs, location="query")
@blp.response(200, Hits)
def find(args: dict[str, Any]) -> dict[str, Any]:
    """Find jobs, outages, crews and premises"""
    return {"items": search(current_uow(), **args)}
