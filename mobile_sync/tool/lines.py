"""JSON lines in and out: ops to record, results, records (`python -m mobile_sync record`, `results`, `export`)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from mobile_sync.outbox import Entry
from mobile_sync.tablet import Tablet, file_of

_MEMBERS = {"kind", "entity", "rec_id", "fields", "files", "group", "depends_on", "gps"}
_KINDS = ("create", "update", "delete")


class BadLine(ValueError):
    """A line that is no op; its number and why."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"line {number}: {why}")


@dataclass
class Recorder:
    """Records lines on a tablet. `names`: op_no of the lines that have a `name`, for `depends_on` of later ones."""

    tablet: Tablet
    folder: Path
    contents: dict[str, bytes] = field(default_factory=dict)

    def record(self, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Record line by line, neighbours with the same `group` together; yields what each line became.

        Raises:
            BadLine: nothing of this line's group is recorded; what was yielded before is.
        """
        read = ((number, _object(number, line)) for number, line in enumerate(lines, start=1) if line.strip())
        for _, group in groupby(read, key=_group_of):
            yield from self._together([(number, _sound(line)) for number, line in group])

    def _together(self, group: list[tuple[int, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        self.contents = {}
        ops = [self._op(number, line) for number, line in group]
        try:
            numbers = self.tablet.record(*ops, contents=self.contents)
        except ValueError as error:
            raise BadLine(group[0][0], str(error)) from error
        for (number, _), op, op_no in zip(group, ops, numbers, strict=True):
            yield {"line": number, "op_no": op_no, "entity": op["entity"], "rec_id": op["rec_id"]}

    def _op(self, number: int, line: Mapping[str, Any]) -> dict[str, Any]:
        _check(number, line)
        kind = str(line["kind"])
        try:
            rec_id = uuid.UUID(line["rec_id"]) if "rec_id" in line else uuid.uuid4()  # noqa: TID251 - made on a device
        except ValueError as error:
            raise BadLine(number, "rec_id is no UUID") from error
        members = {name: line[name] for name in ("depends_on", "gps") if name in line}
        if line.get("files"):
            members["files"] = [self._file(number, told) for told in line["files"]]
        return self.tablet.op(kind, str(line["entity"]), rec_id, line.get("fields", {}), **members)

    def _file(self, number: int, told: Mapping[str, Any]) -> dict[str, Any]:
        try:
            content = (self.folder / told["path"]).read_bytes()
            declared = file_of(content, mime=told["mime"], kind=told["kind"], slot=told["slot"])
        except (KeyError, TypeError, OSError) as error:
            raise BadLine(number, f"a file needs path, mime, kind and slot: {error}") from error
        self.contents[declared["sha256"]] = content
        return declared


def _object(number: int, line: str) -> dict[str, Any] | BadLine:
    """The line's object; a bad line is complained of when it is its turn, not while its neighbour is looked for."""
    try:
        read = json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadLine(number, f"not JSON: {error}")
    return read if isinstance(read, dict) else BadLine(number, "not an object")


def _sound(line: dict[str, Any] | BadLine) -> dict[str, Any]:
    if isinstance(line, BadLine):
        raise line
    return line


def _group_of(item: tuple[int, dict[str, Any] | BadLine]) -> Any:
    number, line = item
    return number if isinstance(line, BadLine) else line.get("group") or number


def _check(number: int, line: Mapping[str, Any]) -> None:
    unknown = sorted(line.keys() - _MEMBERS)
    if unknown:
        raise BadLine(number, f"unknown members: {', '.join(unknown)}")
    if line.get("kind") not in _KINDS or not isinstance(line.get("entity"), str):
        raise BadLine(number, f"kind is one of {', '.join(_KINDS)}, entity a name")
    if not isinstance(line.get("fields", {}), dict) or ("rec_id" not in line and line["kind"] != "create"):
        raise BadLine(number, "fields is an object; only a create may leave its rec_id to be made")


def results(tablet: Tablet) -> Iterator[dict[str, Any]]:
    """Every op kept, and what the server said."""
    return (_told(entry) for entry in tablet.outbox.entries)


def _told(entry: Entry) -> dict[str, Any]:
    named = {name: entry.op[name] for name in ("op_no", "entity", "rec_id", "kind")}
    return {**named, "stage": entry.stage.value, "result": entry.result}


def records(tablet: Tablet) -> Iterator[dict[str, Any]]:
    """Every record as the person sees it: what was pulled under what waits to be sent (L6)."""
    own = {(entry.op["entity"], entry.op["rec_id"]) for entry in tablet.outbox.entries}
    for entity, rec_id in sorted(own | {(*key.split("/", 1),) for key in tablet.replica.docs}):
        doc = tablet.see(entity, uuid.UUID(rec_id))
        if doc is not None:
            held = tablet.replica.docs.get(f"{entity}/{rec_id}")
            yield {"entity": entity, "id": rec_id, "rev": held["rev"] if held else 0, "doc": doc}
