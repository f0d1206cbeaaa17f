"""Rows on their way to tables: written one by one, sent in bulk, identical for the same seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

# Parents before children: what a row points at is in the database before it.
ORDER = (
    "branch", "org_unit", "person", "post", "person_post", "role_grant", "place", "street_node", "street_edge",
    "network_node", "network_link", "party", "premises", "account", "special_need", "qualification", "vehicle", "crew",
    "crew_member", "crew_region", "shift", "crew_position", "form", "outage", "job", "assignment", "demand",
    "form_record", "job_event", "blob", "attachment", "number_counter",
)  # fmt: skip
UNSCOPED = frozenset({"branch", "form", "job_event", "blob"})
CHUNK = 20_000

Row = dict[str, Any]
Sink = Callable[[str, list[Row]], None]


@dataclass
class Ids:
    """UUIDv7 values (RFC 9562 §5.7) from a seeded source and told times, instead of the machine's."""

    rng: Random

    def new(self, at: datetime) -> UUID:
        """A fresh id whose time part is `at`, to the millisecond."""
        ms = int(at.timestamp() * 1000)
        bits = self.rng.getrandbits(74)
        high, low = bits >> 62, bits & (1 << 62) - 1
        return UUID(int=ms << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


@dataclass
class Book:
    """Collects rows a table; hands them to `sink` in the order of `ORDER` whenever a table's pile is high."""

    branch_id: UUID
    anchor: datetime
    ids: Ids
    sink: Sink
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    piles: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def put(self, table: str, **row: Any) -> None:
        """Add a row; scoped tables get the branch."""
        if table not in UNSCOPED:
            row["branch_id"] = self.branch_id
        pile = self.piles[table]
        pile.append(row)
        if len(pile) >= CHUNK:
            self.flush()

    def new_id(self, at: datetime | None = None) -> UUID:
        """An id made at `at`, by default well before the demo's day."""
        return self.ids.new(at or self.anchor)

    def flush(self) -> None:
        """Send everything collected so far."""
        for table in ORDER:
            if pile := self.piles.pop(table, None):
                self.counts[table] += len(pile)
                self.sink(table, pile)
        if self.piles:
            raise ValueError(f"no place in the order for {sorted(self.piles)}")


def numbered(prefix: str, width: int) -> Iterator[str]:
    """`P000001`, `P000002`, …"""
    number = 0
    while True:
        number += 1
        yield f"{prefix}{number:0{width}d}"
