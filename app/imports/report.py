"""Rows that were refused, and what an import came to."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

MOST_LISTED = 10_000  # the count goes on, the list does not


@dataclass(frozen=True)
class Refusal:
    """One row that cannot be taken. `row` counts from 1; 0 means the whole layer."""

    layer: str
    row: int
    column: str
    reason: str
    value: str = ""


@dataclass
class Outcome:
    """Counts by what the layers hold, refusals, and whether anything was kept."""

    accepted: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    refused: int = 0
    kept: bool = False
    notes: Counter[str] = field(default_factory=Counter)

    def refuse(self, layer: str, row: int, column: str, reason: str, value: object = "") -> None:
        """Note a refusal."""
        self.refused += 1
        if len(self.refusals) < MOST_LISTED:
            self.refusals.append(Refusal(layer, row, column, reason, str(value)[:120]))

    def write(self, path: Path) -> None:
        """All listed refusals, as JSON where the name ends so, else CSV."""
        rows = [asdict(refusal) for refusal in self.refusals]
        with path.open("w", encoding="utf-8", newline="") as out:
            if path.suffix == ".json":
                json.dump(rows, out, ensure_ascii=False, indent=1)
                return
            writer = csv.DictWriter(out, ["layer", "row", "column", "reason", "value"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def summary(self) -> str:
        """What a person wants to read: counts, then the first refusals, then whether anything changed."""
        lines = [f"{holds}: {count}" for holds, count in self.accepted.items()]
        lines += [f"{count} {note}" for note, count in self.notes.items()]
        lines += [f"{r.layer} row {r.row}: {r.column} {r.reason} {r.value}".rstrip() for r in self.refusals[:20]]
        if self.refused > 20:
            lines.append(f"… and {self.refused - 20} more refused")
        if self.refused:
            lines.append(f"{self.refused} refused; nothing was imported")
        else:
            lines.append("imported" if self.kept else "dry run: nothing was changed")
        return "\n".join(lines)
