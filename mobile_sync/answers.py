"""Values out as JSON objects (SPEC.md, W): what push and pull say."""

from __future__ import annotations

import json
from typing import Any

from mobile_sync.protocol import (
    OFFERS,
    BucketState,
    FieldResult,
    Page,
    PageChange,
    PushAnswer,
    Refusal,
    Result,
    Said,
)
from mobile_sync.wire import write_time

_TIGHT = (",", ":")


def write_refusal(refusal: Refusal) -> dict[str, Any]:
    """`{code, params, errors}` (W6)."""
    errors = [{"field": error.field, "reason": error.reason} for error in refusal.errors]
    return {"code": refusal.code, "params": dict(refusal.params), "errors": errors}


def _write_field(field: FieldResult) -> dict[str, Any]:
    written: dict[str, Any] = {"outcome": field.outcome.value, "value": field.value}
    return written if field.conflict_id is None else {**written, "conflict_id": str(field.conflict_id)}


def _write_said(said: Said) -> dict[str, Any]:
    written = {"verb": said.verb.value, "at": write_time(said.at)}
    return written if said.reason is None else {**written, "reason": said.reason}


def write_result(result: Result) -> dict[str, Any]:
    """One result; `problem`, `fields` and `centre` only where there is something to say (P7, R5)."""
    written: dict[str, Any] = {"op_no": result.op_no, "status": result.status.value, "rev": result.rev}
    if result.refusal:
        written["problem"] = write_refusal(result.refusal)
    if result.fields:
        written["fields"] = {name: _write_field(field) for name, field in result.fields.items()}
    if result.centre:
        written["centre"] = _write_said(result.centre)
    return written


_PLAIN = '{"op_no":%d,"status":"%s","rev":%d}'


def result_text(result: Result) -> str:
    """`write_result` as JSON, all but ASCII escaped; most results have nothing more to say than their status."""
    if result.refusal or result.fields or result.centre:
        return json.dumps(write_result(result), separators=_TIGHT)
    return _PLAIN % (result.op_no, result.status, result.rev)


def push_text(answer: PushAnswer) -> str:
    """`write_push` as JSON."""
    head = {"epoch": answer.epoch, "server_at": write_time(answer.server_at), "expected": answer.expected}
    return _with_list(head, "results", ",".join(map(result_text, answer.results)))


def _with_list(head: dict[str, Any], name: str, items: str) -> str:
    return f'{json.dumps(head, separators=_TIGHT)[:-1]},"{name}":[{items}]}}'


def write_push(answer: PushAnswer) -> dict[str, Any]:
    """The answer to a push."""
    return {
        "epoch": answer.epoch,
        "server_at": write_time(answer.server_at),
        "expected": answer.expected,
        "results": [write_result(result) for result in answer.results],
    }


def write_bucket(state: BucketState) -> dict[str, Any]:
    """A bucket as of its page."""
    return {
        "key": state.key,
        "priority": state.priority,
        "seq": state.seq,
        "more": state.more,
        "reset": state.reset,
        "row_count": state.row_count,
        "checksum": state.checksum,
    }


def write_change(change: PageChange) -> dict[str, Any]:
    """A change; `doc` stands in every one that is not gone (L4)."""
    written: dict[str, Any] = {
        "bucket": change.bucket,
        "seq": change.seq,
        "entity": change.entity,
        "id": str(change.id),
        "rev": change.rev,
        "gone": change.gone,
    }
    if change.gone:
        return written
    return {**written, "doc": json.loads(change.doc) if isinstance(change.doc, str) else change.doc}


def write_page(page: Page) -> dict[str, Any]:
    """The answer to a pull."""
    return {**page_head(page), "changes": [write_change(change) for change in page.changes]}


def page_head(page: Page) -> dict[str, Any]:
    """All of the answer but its changes; `left` only in a stream (L13)."""
    head: dict[str, Any] = {
        "epoch": page.epoch,
        "server_at": write_time(page.server_at),
        "schema_version": page.schema_version,
        "offers": list(OFFERS),
        "buckets": [write_bucket(state) for state in page.buckets],
        "dropped": list(page.dropped),
    }
    return head if page.left is None else {**head, "left": page.left}
