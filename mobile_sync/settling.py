"""What an answer changes in what a client keeps, pure (SPEC.md L6, P14, P19, B9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mobile_sync.incidents import Noted, noted
from mobile_sync.kept import Kept, KeptFile
from mobile_sync.outbox import Outbox, Stage
from mobile_sync.replica import Replica, is_checkable

OPS_KEPT = timedelta(days=30)
ORIGINALS_KEPT = timedelta(days=7)


def settled_push(kept: Kept, answer: Mapping[str, Any]) -> Kept:
    """After a push was answered: results, numbers, and what need not be kept any longer."""
    told = heard(kept, answer)
    outbox = told.outbox.settle(answer)
    final = {entry.op_no for entry in outbox.entries if entry.stage is Stage.FINAL}
    settled = {number: told.settled.get(number, answer["server_at"]) for number in sorted(final)}
    # An op that is pending again has lost its result: what was shown of it must be laid over the replica once more.
    asked: str = answer["epoch"]
    return _tidied(replace(told, outbox=outbox, settled=settled, shown=told.shown & final, asked=asked))


def settled_pull(kept: Kept, staged: list[Mapping[str, Any]], final_before: frozenset[int]) -> Kept:
    """After the last page: rows, cursors, and which overlays have done their work, at once."""
    replica = kept.replica.copied()
    replica.apply(staged, pending_keys(kept))
    shown = (kept.shown | final_before) & kept.settled.keys()
    incidents = _noted(kept, replica, staged[-1])
    return _tidied(replace(heard(kept, staged[-1]), replica=replica, shown=frozenset(shown), incidents=incidents))


def _noted(kept: Kept, replica: Replica, page: Mapping[str, Any]) -> tuple[Noted, ...]:
    """Which replicas did not add up, as of the last page."""
    own = [state["key"] for state in page["buckets"]]
    unsure = [state["key"] for state in page["buckets"] if not is_checkable(state)]
    return tuple(noted(kept.incidents, page["server_at"], own, replica.wrong, unsure))


def settled_receipt(kept: Kept, claims: Mapping[str, Any]) -> Kept | None:
    """After a receipt came back as a file (V8): what it settles; None if it is of another life of the server."""
    if claims["epoch"] != kept.life:
        return None
    done = {entry.op_no for entry in kept.outbox.entries if entry.stage is Stage.FINAL}  # and more is known of these
    plain = [one for one in claims["results"] if one["status"] in ("applied", "noop") and one["op_no"] not in done]
    # No answer to a push: it says nothing of ops that came later, so nothing is forgotten by it.
    outbox = kept.outbox.settle({"results": plain, "expected": kept.outbox.next_op_no})
    final = {entry.op_no for entry in outbox.entries if entry.stage is Stage.FINAL}
    settled = {number: kept.settled.get(number, claims["server_at"]) for number in sorted(final)}
    verified = {
        sha256: replace(kept.files[sha256], verified=True) for sha256 in claims["files"] if sha256 in kept.files
    }
    return replace(kept, outbox=outbox, settled=settled, files={**kept.files, **verified})


def heard(kept: Kept, answer: Mapping[str, Any]) -> Kept:
    """The server's life and time. Files that another life may have verified are to be asked for again."""
    at, same_life = answer["server_at"], kept.life == answer["epoch"]
    files = {sha256: _heard_of(one, at) if same_life else _in_doubt(one) for sha256, one in kept.files.items()}
    asked = kept.life if kept.asked is None and not same_life else kept.asked
    return replace(kept, server_at=at, life=answer["epoch"], asked=asked, files=files)


def stands_elsewhere(kept: Kept) -> bool:
    """A pull met another life of the server, and no push has: what ops it has forgotten must be heard (P14).

    So must that there is a life at all: an op that was sent to none in particular might be run in any (P19).
    """
    if kept.life is None:
        return any(entry.stage is Stage.PENDING for entry in kept.outbox.entries)
    return bool(kept.outbox.entries) and not _begins_anew(kept) and kept.life != kept.asked


def numbered_in(kept: Kept) -> str | None:
    """The life in which the numbers of the pending ops hold: what a bundle of them names (V11)."""
    return kept.life if _begins_anew(kept) else kept.asked or kept.life


def _begins_anew(kept: Kept) -> bool:
    """Op 1 is still pending: in no life will the server ask for other numbers."""
    lowest = next(iter(kept.outbox.entries), None)
    return lowest is not None and lowest.op_no == 1 and lowest.stage is Stage.PENDING


def _heard_of(file: KeptFile, server_at: str) -> KeptFile:
    return replace(file, verified_at=server_at) if file.verified and file.verified_at is None else file


def _in_doubt(file: KeptFile) -> KeptFile:
    return replace(file, verified=False, verified_at=None)


def pending_keys(kept: Kept) -> set[str]:
    """Records that ops without a result name (S5)."""
    return {key_of_op(entry.op) for entry in kept.outbox.entries if entry.stage is Stage.PENDING}


def key_of_op(op: Mapping[str, Any]) -> str:
    """`entity/id` of the op's record."""
    return f"{op['entity']}/{op['rec_id']}"


def _tidied(kept: Kept) -> Kept:
    """Without ops whose final result is old and shown (P14), and originals long verified (B9): by server time."""
    if kept.server_at is None:
        return kept
    now = datetime.fromisoformat(kept.server_at)
    old = {number for number in kept.shown if _passed(kept.settled[number], now, OPS_KEPT)}
    keep = ORIGINALS_KEPT if kept.keep_s is None else timedelta(seconds=kept.keep_s)
    files = {sha256: one for sha256, one in kept.files.items() if not _done_with(one, now, keep)}
    if not old and len(files) == len(kept.files):
        return kept
    entries = tuple(entry for entry in kept.outbox.entries if entry.op_no not in old)
    settled = {number: at for number, at in kept.settled.items() if number not in old}
    outbox = Outbox(entries, kept.outbox.next_op_no)
    return replace(kept, outbox=outbox, settled=settled, shown=kept.shown - old, files=files)


def _done_with(file: KeptFile, now: datetime, keep: timedelta) -> bool:
    return file.verified_at is not None and _passed(file.verified_at, now, keep)


def _passed(since: str, now: datetime, span: timedelta) -> bool:
    return now - datetime.fromisoformat(since) > span
