"""The proof of a day: what a device counts of it, what the centre counts, and where they differ (SPEC.md, D). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mobile_sync.kept import KeptFile
from mobile_sync.outbox import Entry, Stage

NOT_DECLARED = frozenset({"rejected", "held", "quarantined"})  # the files of such ops are declared nowhere (P10)


@dataclass
class Journal:
    """What a device counts of a day.

    `ops`: those with a result, by (entity, kind); `waiting`: those without; `files`: {kind: {sha256: bytes}} declared
    by ops that were taken, `unsent` those of them without a receipt.
    """

    ops: Counter[tuple[str, str]] = field(default_factory=Counter)
    waiting: int = 0
    files: dict[str, dict[str, int]] = field(default_factory=dict)
    unsent: set[str] = field(default_factory=set)

    @property
    def files_count(self) -> int:
        """Different files of the day."""
        return sum(len(found) for found in self.files.values())


def journal(entries: Iterable[Entry], files: Mapping[str, KeptFile], since: datetime, until: datetime) -> Journal:
    """Count the ops that were made in [since, until), by the device's own clock, which both sides know (D1)."""
    counted = Journal()
    for entry in entries:
        if not since <= datetime.fromisoformat(entry.op["device_at"]) < until:
            continue
        if entry.stage is Stage.PENDING:
            counted.waiting += 1
            continue
        counted.ops[entry.op["entity"], entry.op["kind"]] += 1
        if (entry.result or {}).get("status") not in NOT_DECLARED:
            _count_files(counted, entry.op.get("files") or (), files)
    return counted


def _count_files(counted: Journal, declared: Iterable[Mapping[str, Any]], files: Mapping[str, KeptFile]) -> None:
    for file in declared:
        counted.files.setdefault(file["kind"], {})[file["sha256"]] = file["size"]
        known = files.get(file["sha256"])
        if known is not None and not known.verified:
            counted.unsent.add(file["sha256"])


def differences(counted: Journal, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where the centre counts otherwise: ops by entity and kind, verified files by kind in number and bytes (D2)."""
    there: Counter[tuple[str, str]] = Counter()
    for line in told["ops"]:
        there[line["entity"], line["kind"]] += line["count"]
    found: list[dict[str, Any]] = [
        {"entity": entity, "kind": kind, "here": counted.ops[entity, kind], "there": there[entity, kind]}
        for entity, kind in sorted(counted.ops.keys() | there.keys())
        if counted.ops[entity, kind] != there[entity, kind]
    ]
    verified = {line["kind"]: (line["verified"], line["verified_bytes"]) for line in told["files"]}
    for kind in sorted(counted.files.keys() | verified.keys()):
        here = {sha256: size for sha256, size in counted.files.get(kind, {}).items() if sha256 not in counted.unsent}
        if (len(here), sum(here.values())) != verified.get(kind, (0, 0)):
            count, size = verified.get(kind, (0, 0))
            found.append({"files": kind, "here": len(here), "there": count, "bytes": sum(here.values()) - size})
    return found
