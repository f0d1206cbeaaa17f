"""Results read back from their JSON form: the ledger keeps what was answered, a client reads what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mobile_sync.protocol import FieldError, FieldResult, Outcome, Refusal, Result, Said, Status, Verb
from mobile_sync.wire import read_time


def read_result(body: Mapping[str, Any]) -> Result:
    """The inverse of `answers.write_result`."""
    problem, centre = body.get("problem"), body.get("centre")
    return Result(
        body["op_no"],
        Status(body["status"]),
        body["rev"],
        None if problem is None else _refusal(problem),
        {name: _field(told) for name, told in body.get("fields", {}).items()},
        None if centre is None else Said(Verb(centre["verb"]), read_time(centre["at"]), centre.get("reason")),
    )


def _refusal(problem: Mapping[str, Any]) -> Refusal:
    errors = tuple(FieldError(error["field"], error["reason"]) for error in problem.get("errors", ()))
    return Refusal(problem["code"], problem.get("params", {}), errors)


def _field(told: Mapping[str, Any]) -> FieldResult:
    conflict = told.get("conflict_id")
    return FieldResult(Outcome(told["outcome"]), told.get("value"), None if conflict is None else UUID(conflict))
