"""What people do on a tablet: every kind of op, sound ones and such as no server can take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from mobile_sync.outbox import Stage
from mobile_sync.simulation import shop
from mobile_sync.simulation.device import Recorded, SimDevice
from mobile_sync.tablet import file_of

POISONS = ("forbidden", "breaks", "unsayable", "unknown field", "unknown entity", "unknown record", "malformed")
Marks = Callable[[], int]


@dataclass
class Person:
    """Works on one tablet. Each op carries a mark in its position, so that it can be told from any other."""

    device: SimDevice
    rng: Random
    new_mark: Marks
    new_id: Callable[[], UUID]
    sure_of: Callable[[SimDevice, str], bool]
    doubts: Callable[[SimDevice], int]
    photos: list[bytes]
    topics: frozenset[str]

    def works(self) -> None:
        """One entry: usually a change of something that is there."""
        doing = self.rng.choices(
            (self._create, self._change, self._delete, self._group, self._poison, self._photo, self._depending),
            (4, 10, 1, 2, 2, 3, 1),
        )[0]
        doing()

    def _known(self) -> list[str]:
        own = [f"{e.op['entity']}/{e.op['rec_id']}" for e in self.device.tablet.outbox.entries]
        kept = {*self.device.tablet.replica.docs, *own}
        return sorted(key for key in kept if key.startswith(shop.ENTITY) and key != "thing/ghost")

    def _some(self) -> UUID | None:
        """A record: often one of the few that everybody is at."""
        known = self._known()
        return UUID(shop.wanted(self.rng, known).partition("/")[2]) if known else None

    def _create(self) -> None:
        self._record(self._op("create", self.new_id()))

    def _change(self, **members: Any) -> None:
        if (rec_id := self._some()) is not None:
            self._record(self._op("update", rec_id, **members))

    def changes(self, rec_id: UUID) -> None:
        """A change of one record, seen or not."""
        self._record(self._op("update", rec_id))

    def _delete(self) -> None:
        if (rec_id := self._some()) is not None:
            self._record(self._op("delete", rec_id))

    def _group(self) -> None:
        rec_id = self.new_id()
        ops = [self._op("create", rec_id), self._op("update", rec_id)]
        other = self._some() if self.rng.random() < 0.5 else None
        if other is not None:
            ops.append(self._op("update", other))
        if self.rng.random() < 0.3:
            ops[-1] = self._poisoned()
        self._record(*ops)

    def _poison(self) -> None:
        self._record(self._poisoned())

    def _depending(self) -> None:
        """On an op that has no final result yet, or on any other."""
        entries = self.device.tablet.outbox.entries
        if entries:
            self._change(depends_on=[self.rng.choice(entries).op_no])

    def _photo(self) -> None:
        size = self.rng.randint(1, 90)
        content = self.rng.choice(self.photos) if self.rng.random() < 0.4 else self.rng.randbytes(size)
        file = file_of(content, mime="image/jpeg", kind="photo", slot=f"s{self.rng.randrange(3)}")
        op = self._op("create", self.new_id(), files=[file])
        self._record(op, contents={file["sha256"]: content})

    def _op(self, kind: str, rec_id: UUID, **members: Any) -> dict[str, Any]:
        mark = self.new_mark()
        seen = self.device.tablet.see(shop.ENTITY, rec_id) or {}
        fields = {} if kind == "delete" else self._fields(mark, seen)
        where = {"lon": 0.0, "lat": 0.0, "accuracy_m": float(mark)}
        return self.device.tablet.op(kind, shop.ENTITY, rec_id, fields, gps=where, **members)

    def _fields(self, mark: int, seen: Mapping[str, Any]) -> dict[str, Any]:
        title = shop.TITLE[self.device.tablet.schema_version]
        every = {
            title: f"t{mark}",
            "shelf": self.rng.choice(shop.SHELVES),
            "size": self.rng.randrange(100),
            "low": self.rng.randrange(100),
            "log": self._log(mark, str(seen.get("log") or "")),
            "tags": [*(seen.get("tags") or []), f"g{mark}"],
            "colour": f"c{mark}",
            "price": f"p{mark}",
            "seal": f"s{mark}",
            "state": self.rng.choice([*shop.STEPS, "sent"]),
            f"answers.q{self.rng.randrange(2)}": f"a{mark}",
        }
        wanted = [name for name in every if shop.topic_of(name) in self.topics]
        return {name: every[name] for name in self.rng.sample(wanted, self.rng.randint(1, min(3, len(wanted))))}

    def _log(self, mark: int, seen: str) -> str:
        """Another line, or another ending of the last one."""
        return f"{seen}l{mark}" if self.rng.random() < 0.2 else f"{seen}\nl{mark}".lstrip("\n")

    def _poisoned(self) -> dict[str, Any]:
        word = self.rng.choice(POISONS)
        op = self._op("create", self.new_id())
        title = shop.TITLE[self.device.tablet.schema_version]
        if word == "unsayable" and self.device.tablet.schema_version > 1:
            word = "forbidden"
        if word in (shop.FORBIDDEN, shop.BREAKS, shop.UNSAYABLE):
            op["fields"][title] = word
        changes: dict[str, dict[str, Any]] = {
            "unknown field": {"fields": {"zzz": 1}},
            "unknown entity": {"entity": "ghost"},
            "unknown record": {"kind": "update"},
            "malformed": {"base_rev": "three"},
        }
        return {**op, **changes.get(word, {}), "_word": word}

    def _record(self, *ops: dict[str, Any], contents: Mapping[str, bytes] | None = None) -> None:
        """What the tablet has kept counts, whatever it said when it died."""
        words = [op.pop("_word", None) for op in ops]
        tablet = self.device.tablet
        seen = [dict(tablet.see(shop.ENTITY, _id_of(op)) or {}) for op in ops]
        self.device.attempt(lambda: tablet.record(*ops, contents=contents))
        kept = {mark_of(entry.op) for entry in tablet.outbox.entries}
        for op, word, before in zip(ops, words, seen, strict=True):
            if mark_of(op) in kept:
                key = f"{op['entity']}/{op['rec_id']}"
                sure = self.sure_of(self.device, key)
                self.device.recorded[mark_of(op)] = Recorded(op, key, word, sure, self.doubts(self.device), before)

    def pending(self) -> int:
        """Ops without a result."""
        return sum(entry.stage is Stage.PENDING for entry in self.device.tablet.outbox.entries)


def _id_of(op: Mapping[str, Any]) -> UUID:
    """The record's id."""
    return UUID(op["rec_id"])


def mark_of(op: Mapping[str, Any]) -> int:
    """What tells it from any other op."""
    return int(op["gps"]["accuracy_m"])
