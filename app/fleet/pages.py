"""Ops as their page shows them: what was wanted, in names that a screen has words for, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.fleet.wording import title_of
from app.jobs.models import JobKind, JobState
from mobile_sync.answers import write_refusal
from mobile_sync.protocol import Kind, Result, Status, Verb

_PLAIN = (
    *("op_no", "rev", "rec_id", "device_at", "received_at", "clock_error_ms", "person_id", "person_name"),
    *("person_name_en", "job_id", "job_number", "job_address"),
)
_KINDS = {kind.value: kind for kind in Kind}


def op_page(row: Row[Any], language: str) -> dict[str, Any]:
    """Everything `OpOut` shows."""
    body: Mapping[str, Any] = row.body
    sent = _object(body.get("fields"))
    repaired = [one["fields"] for one in row.history if one["fields"] is not None]
    names = {*sent, *(repaired[-1] if repaired else ())}
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        "status": Status(row.status),
        "why": _why(row.result.get("problem"), language),
        "entity": row.entity or _text(body.get("entity")),
        "kind": _KINDS.get(row.kind or ""),
        "job_kind": None if row.job_kind is None else JobKind(row.job_kind),
        "job_state": None if row.job_state is None else JobState(row.job_state),
        "sent": sent,
        "fields_now": repaired[-1] if repaired else sent,
        "held": _held(row, names),
        "questions": _questions(row.questions, names),
        "files": body.get("files") if isinstance(body.get("files"), list) else [],
        "gps": body.get("gps"),
        "history": [_said(one, language) for one in row.history],
    }


def acted(results: Sequence[Result], op_no: int, language: str) -> dict[str, Any]:
    """What came of a word about one op."""
    result = next(one for one in results if one.op_no == op_no)
    problem = None if result.refusal is None else write_refusal(result.refusal)
    return {
        "op_no": op_no,
        "status": result.status,
        "done": result.centre is not None,
        "why": _why(problem, language),
        "released": sum(one.centre is not None for one in results if one.op_no != op_no),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value[:100] if isinstance(value, str) else None


def _held(row: Row[Any], names: set[str]) -> dict[str, Any]:
    """What the system has where the op wants something else."""
    job = {"state": row.job_state, "note": row.note, "finding": row.finding}
    answers = {f"answers.{item}": value for item, value in (row.answers or {}).items()}
    known = {"job": job, "form_record": answers}.get(row.entity or "")
    return {} if known is None else {name: known.get(name) for name in names}


def _questions(questions: Mapping[str, Any] | None, names: set[str]) -> dict[str, Any]:
    found = {name: (questions or {}).get(name.removeprefix("answers.")) for name in names}
    return {name: question for name, question in found.items() if question is not None}


def _said(one: Mapping[str, Any], language: str) -> dict[str, Any]:
    result = one["result"]
    return {
        **{name: one[name] for name in ("person_id", "person_name", "person_name_en", "reason", "done")},
        "at": datetime.fromisoformat(one["at"]),
        "verb": Verb(one["verb"]),
        "fields_said": one["fields"],
        "status": Status(result["status"]),
        "why": _why(result.get("problem"), language),
    }


def _why(problem: Mapping[str, Any] | None, language: str) -> dict[str, Any] | None:
    if problem is None:
        return None
    return {"errors": [], "params": {}, **problem, "title": title_of(problem["code"], language)}
