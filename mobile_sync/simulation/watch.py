"""An observer at the server's door: what it says must never contradict what it said (I6, I12, P2, P5, S1, W11)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mobile_sync.canonical import digest_of
from mobile_sync.simulation.faults import Tally, Violation
from mobile_sync.simulation.house import Answer, Call, House

Told = tuple[str, UUID, int]


@dataclass
class Watch:
    """Remembers every answer, also those that never arrived."""

    house: House
    tally: Tally
    scopes: dict[UUID, frozenset[str]] = field(default_factory=dict)
    told: dict[Told, tuple[bytes, Mapping[str, Any]]] = field(default_factory=dict)
    expected: dict[tuple[str, UUID], int] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    taken: int | None = None

    def life_ends(self) -> None:
        """The server has been restored: what it called its life until now is over."""
        self.over |= {life for life, _ in self.expected}

    def asked(self, device_id: UUID, call: Call) -> None:
        """A request is about to be handled. `taken`: what was known before a batch of another life came."""
        self.taken = None
        if call.path == "push" and self.over and _epoch_of(call.body) not in (None, self.house.life):
            self.taken = self.house.taken(device_id)

    def answered(self, device_id: UUID, call: Call, answer: Answer) -> None:
        """A request was answered."""
        if answer.status >= 500 and answer.status not in (503, 507):
            raise Violation("nothing breaks", f"{call.path} was answered {answer.status}: {answer.body[:300]!r}")
        self.tally.faults["server disk full"] += answer.status == 507
        if answer.status != 200 or call.path not in ("push", "pull", "snapshot"):
            return
        asked, told = json.loads(call.body), [json.loads(line) for line in answer.body.splitlines()]
        if call.path == "push":
            self._pushed(device_id, asked, told[0])
        elif call.path == "pull":
            self._pulled(device_id, asked, told[0])
        else:
            self._streamed(device_id, asked, told, broken=answer.broken)

    def _pushed(self, device_id: UUID, asked: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        life = told["epoch"]
        self._still_alive(life)
        if self.taken is not None:
            self.tally.checks["P19"] += 1
            if told["expected"] != self.taken + 1:
                raise Violation("P19", f"a batch of another life was run up to {told['expected'] - 1}: {asked}")
        self.tally.checks["P2"] += 1
        if told["expected"] < self.expected.get((life, device_id), 1):
            raise Violation("P2", f"{device_id}: expected went back to {told['expected']}")
        self.expected[life, device_id] = told["expected"]
        self.tally.checks["P5"] += 1
        due = {op["op_no"] for op in asked["ops"] if op["op_no"] < told["expected"]}
        if {result["op_no"] for result in told["results"]} != due:
            raise Violation("P5", f"results for {[one['op_no'] for one in told['results']]}, due {sorted(due)}")
        ops = {op["op_no"]: op for op in asked["ops"]}
        for result in told["results"]:
            self._same(life, device_id, ops[result["op_no"]], result)
        older = sum(op["op_no"] < told["expected"] and _older(op, self.house.version) for op in asked["ops"])
        self.tally.faults["op of an older app"] += older

    def _same(self, life: str, device_id: UUID, op: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """I12: one number, one op, one result, however often it is asked."""
        self.tally.checks["I12"] += 1
        if (result.get("problem") or {}).get("code") == "op_no_reused":
            return
        digest = digest_of(op)
        first = self.told.setdefault((life, device_id, op["op_no"]), (digest, result))
        if first != (digest, result):
            raise Violation("I12", f"op {op['op_no']} of {device_id}: was {first[1]}, is {result}")

    def _pulled(self, device_id: UUID, asked: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        scope = self.scopes.get(device_id, frozenset())
        self.tally.checks["S1"] += 1
        if {state["key"] for state in told["buckets"]} != scope:
            raise Violation("S1", f"buckets {told['buckets']} are not the scope {sorted(scope)}")
        if not {change["bucket"] for change in told["changes"]} <= scope:
            raise Violation("S1", "a change of another bucket was sent")
        self.tally.checks["I11"] += 1
        if set(told["dropped"]) != asked["cursors"].keys() - scope:
            raise Violation("I11", f"dropped {told['dropped']} of {sorted(asked['cursors'])}, scope {sorted(scope)}")
        self._same_life(asked, told)

    def _streamed(
        self, device_id: UUID, asked: Mapping[str, Any], pages: Sequence[Mapping[str, Any]], *, broken: bool
    ) -> None:
        """L13: each line is the page that the one before it asks for, and says how much is left."""
        self.tally.checks["L13"] += 1
        left = [page["left"] for page in pages]
        due = [before - len(page["changes"]) for before, page in zip(left, pages[1:], strict=False)]
        open_at_end = bool(pages) and any(state["more"] for state in pages[-1]["buckets"])
        if left[1:] != due or (not broken and (open_at_end or left[-1] != 0)):
            raise Violation("L13", f"{left} are left behind lines of {[len(page['changes']) for page in pages]}")
        for page in pages:
            self._pulled(device_id, asked, page)
            cursors = {state["key"]: state["seq"] for state in page["buckets"]}
            asked = {"epoch": page["epoch"], "cursors": cursors}

    def _still_alive(self, life: str) -> None:
        if life != self.house.life or life in self.over:
            raise Violation("I6", f"an answer names the life {life}, which is over")

    def _same_life(self, asked: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        """I6: an old cursor in a new life is answered by a reset."""
        self.tally.checks["I6"] += 1
        self._still_alive(told["epoch"])
        held = asked["cursors"] if asked["epoch"] != told["epoch"] else {}
        for state in told["buckets"]:
            if state["key"] in held and not state["reset"]:
                raise Violation("I6", f"{state['key']}: an old cursor was served in a new life")


def _epoch_of(body: bytes) -> str | None:
    """Of a push; None where it says nothing, or cannot be read."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told.get("epoch") if isinstance(told, dict) else None


def _older(op: Mapping[str, Any], version: int) -> bool:
    return bool(op["schema_version"] < version)
