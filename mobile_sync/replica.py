"""A client's copy of its buckets, pure: staging pages, applying them at once, adding up (SPEC.md L1, L6–L8, S2–S5).

Answers are the JSON objects of the wire. The TypeScript half does the same; `conformance/replica.json` holds
both to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mobile_sync.protocol import READING

MODULUS = 2**64
STAGED_FOR = timedelta(days=1)


def row_hash(key: str, seq: int) -> int:
    """First 8 bytes of SHA-256 of `entity/id@seq`, big-endian, unsigned (L7)."""
    return int.from_bytes(hashlib.sha256(f"{key}@{seq}".encode()).digest()[:8], "big")


def checksum(members: Mapping[str, int]) -> str:
    """The sum over a bucket, `{entity/id: seq}`, as 16 hexadecimal digits (L7)."""
    return f"{sum(row_hash(key, seq) for key, seq in members.items()) % MODULUS:016x}"


def is_far_behind(request: Mapping[str, Any]) -> bool:
    """A pull of a device that holds nothing, or is within a bucket that it reads from the start (L15)."""
    return request["epoch"] is None or any(seq >= READING for seq in request["cursors"].values())


def is_too_late(page: Mapping[str, Any], staged: Sequence[Mapping[str, Any]]) -> bool:
    """What the pages before it brought may have left since, and the exits be forgotten (L14, T4)."""
    if not staged:
        return False
    return datetime.fromisoformat(page["server_at"]) - datetime.fromisoformat(staged[0]["server_at"]) > STAGED_FOR


def is_checkable(state: Mapping[str, Any]) -> bool:
    """A bucket's state says what it must add up to (L7)."""
    return not state["more"] and state["checksum"] is not None


def key_of(change: Mapping[str, Any]) -> str:
    """`entity/id` of a change."""
    return f"{change['entity']}/{change['id']}"


@dataclass
class Replica:
    """What a device holds.

    `members`: bucket → `{entity/id: seq}`. `docs`: `entity/id` → `{"rev", "doc"}`. `shadows`: held only because pending
    ops name them. `mismatched`: buckets that did not add up; `wrong` says for them what was expected and found.
    """

    epoch: str | None = None
    cursors: dict[str, int] = field(default_factory=dict)
    members: dict[str, dict[str, int]] = field(default_factory=dict)
    docs: dict[str, dict[str, Any]] = field(default_factory=dict)
    shadows: set[str] = field(default_factory=set)
    mismatched: set[str] = field(default_factory=set)
    wrong: dict[str, dict[str, Any]] = field(default_factory=dict, compare=False)

    def copied(self) -> Replica:
        """A replica that changes on its own; documents are shared, for they are replaced and never changed."""
        members = {bucket: dict(held) for bucket, held in self.members.items()}
        return Replica(
            self.epoch, dict(self.cursors), members, dict(self.docs), set(self.shadows), set(self.mismatched)
        )

    def request(self, staged: list[Mapping[str, Any]]) -> dict[str, Any]:
        """The next pull: from the last staged page if there is one, else from what is applied."""
        if staged:
            last = staged[-1]
            return {"epoch": last["epoch"], "cursors": {state["key"]: state["seq"] for state in last["buckets"]}}
        wanted = {"epoch": self.epoch, "cursors": dict(self.cursors)}
        return {**wanted, "mismatched": sorted(self.mismatched)} if self.mismatched else wanted

    def apply(self, staged: Iterable[Mapping[str, Any]], pending: Iterable[str] = ()) -> None:
        """Take in all pages of one pull, the last of which says `more: false` everywhere.

        `pending`: keys of records that ops without a result name; they outlive their buckets (S5).
        """
        stale: dict[str, set[str]] = {}
        for page in staged:
            self._take(page, stale)
        for bucket, keys in stale.items():
            for key in keys:
                self.members.get(bucket, {}).pop(key, None)
        self._forget(set(pending))

    def _take(self, page: Mapping[str, Any], stale: dict[str, set[str]]) -> None:
        for bucket in page["dropped"]:
            self.members.pop(bucket, None)
            stale.pop(bucket, None)
        for state in page["buckets"]:
            held = self.members.setdefault(state["key"], {})
            if state["reset"]:
                stale[state["key"]] = set(held)
        for change in page["changes"]:
            self._change(change, stale.get(change["bucket"], set()))
        self.epoch = page["epoch"]
        self.cursors = {state["key"]: state["seq"] for state in page["buckets"]}
        checked = {state["key"]: self._differs(state, stale) for state in page["buckets"]}
        self.wrong = {key: found for key, found in checked.items() if found is not None}
        self.mismatched = set(self.wrong)

    def _change(self, change: Mapping[str, Any], stale: set[str]) -> None:
        key = key_of(change)
        stale.discard(key)
        held = self.members.setdefault(change["bucket"], {})
        if change["gone"]:
            held.pop(key, None)
            return
        held[key] = change["seq"]
        self.docs[key] = {"rev": change["rev"], "doc": change["doc"]}

    def _differs(self, state: Mapping[str, Any], stale: Mapping[str, set[str]]) -> dict[str, Any] | None:
        """What was expected and found where a bucket does not add up."""
        if not is_checkable(state):
            return None
        gone = stale.get(state["key"], set())
        held = {key: seq for key, seq in self.members[state["key"]].items() if key not in gone}
        expected, found = (state["row_count"], state["checksum"]), (len(held), checksum(held))
        told = dict(zip(("expected_rows", "expected_checksum", "rows", "checksum"), (*expected, *found), strict=True))
        return None if expected == found else told

    def _forget(self, pending: set[str]) -> None:
        held = {key for members in self.members.values() for key in members}
        self.shadows = (self.docs.keys() - held) & pending
        for key in self.docs.keys() - held - pending:
            del self.docs[key]
