"""A district in memory, for tests that look at rows without a database."""

from __future__ import annotations

import gc
import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.district.book import Row
from app.district.generate import district

ANCHOR = datetime(2026, 7, 16, 8, tzinfo=ZoneInfo("Asia/Shanghai"))


@dataclass
class Collected:
    """Rows by table, files by hash."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, bytes] = field(default_factory=dict)

    def take(self, table: str, rows: list[Row]) -> None:
        self.tables[table] += rows

    def keep(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self.files[name] = content
        return name

    def where(self, table: str, **wanted: Any) -> list[Row]:
        return [row for row in self.tables[table] if all(row[name] == value for name, value in wanted.items())]

    def digest(self) -> str:
        """A hash of every row and file; shapes by their coordinates."""
        told = hashlib.sha256()
        for table in sorted(self.tables):
            for row in self.tables[table]:
                told.update(repr([getattr(value, "wkb", value) for value in row.values()]).encode())
        told.update("".join(sorted(self.files)).encode())
        return told.hexdigest()


def collect(size: str, seed: int = 20260716) -> Collected:
    """The district of this size and seed."""
    found = Collected()
    gc.disable()  # half a million small objects that all stay: looking through them again and again takes longer
    try:
        _fill(found, size, seed)
    finally:
        gc.enable()
    return found


def _fill(found: Collected, size: str, seed: int) -> None:
    district(size, seed, ANCHOR, sink=found.take, keep=found.keep, password_hash="-", first_street_id=1,
             progress=lambda line: None)  # fmt: skip
