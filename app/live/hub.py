"""One thread looks for changes, all listeners hear of them. No listener holds a database connection.

Redis wakes the thread after a commit; a poll each second is the floor under it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from uuid import UUID

from redis.client import PubSub
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.unit_of_work import LIVE_CHANNEL, Runtime
from app.live import queries
from app.live.cursor import Cursor
from app.live.errors import StreamsFull, TooManyStreams
from app.live.queries import Change

log = logging.getLogger(__name__)

POLL_S = 1.0
GATHER_S = 0.02  # rings of one burst of commits are answered by one look
MAX_STREAMS = 600  # below the threads of the process, or its health check waits behind streams
MAX_STREAMS_PER_PERSON = 20
MAX_BEHIND = 200  # frames a slow reader may leave unread before it has to come again


@dataclass(eq=False)
class Listener:
    """One open stream."""

    branches: frozenset[UUID]
    person_id: UUID | None
    joined_at: Cursor = field(init=False)
    _frames: SimpleQueue[bytes | None] = field(default_factory=SimpleQueue)

    def hear(self, frame: bytes) -> bool:
        """Take a frame; False when the reader is too far behind."""
        if self._frames.qsize() >= MAX_BEHIND:
            return False
        self._frames.put(frame)
        return True

    def end(self) -> None:
        """No more frames."""
        self._frames.put(None)

    def next(self, timeout_s: float) -> bytes | None:
        """The next frame, b"" when none came in time, None at the end."""
        try:
            return self._frames.get(timeout=timeout_s)
        except Empty:
            return b""


def frame(event: str, cursor: Cursor, data: dict[str, object]) -> bytes:
    """One server-sent event."""
    return f"id: {cursor.token()}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode()


def change_frame(cursor: Cursor, change: Change) -> bytes:
    """One record changed."""
    told = {"entity": change.entity, "id": str(change.id), "rev": change.rev, "gone": change.gone}
    return frame("change", cursor, told)


class Hub:
    """Everyone who listens, by the branches they may see."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = Lock()
        self._listeners: dict[frozenset[UUID], set[Listener]] = {}
        self._positions: dict[UUID, int] = {}
        self._stop = Event()
        self._pubsub: PubSub | None = None
        self._thread = Thread(target=self._run, name="live-feeder", daemon=True)
        self.epoch = queries.epoch_of(runtime.sessions)

    def start(self) -> None:
        """Begin to look for changes."""
        self._thread.start()

    def close(self) -> None:
        """End every stream and the thread."""
        self._stop.set()
        with self._lock:
            listeners = [one for group in self._listeners.values() for one in group]
            self._listeners.clear()
        for listener in listeners:
            listener.end()

    def join(self, listener: Listener) -> None:
        """Listen from now on; `joined_at` is the place after which nothing will be missed.

        Raises:
            StreamsFull, TooManyStreams
        """
        self._follow(listener.branches)
        with self._lock:
            self._check_room(listener)
            listener.joined_at = self._cursor(listener.branches)
            self._listeners.setdefault(listener.branches, set()).add(listener)

    def leave(self, listener: Listener) -> None:
        """Stop listening."""
        with self._lock:
            group = self._listeners.get(listener.branches, set())
            group.discard(listener)
            if not group:
                self._listeners.pop(listener.branches, None)

    def __len__(self) -> int:
        """How many streams are open."""
        with self._lock:
            return sum(len(group) for group in self._listeners.values())

    def _check_room(self, listener: Listener) -> None:
        present = [one for group in self._listeners.values() for one in group]
        if len(present) >= MAX_STREAMS or self._stop.is_set():
            raise StreamsFull(retry_after_s=10)
        own = sum(one.person_id == listener.person_id for one in present)
        if listener.person_id is not None and own >= MAX_STREAMS_PER_PERSON:
            raise TooManyStreams(retry_after_s=60)

    def _cursor(self, branches: Iterable[UUID]) -> Cursor:
        return Cursor(self.epoch, {branch_id: self._positions[branch_id] for branch_id in sorted(branches)})

    def _follow(self, branches: Iterable[UUID]) -> None:
        """Know where these branches stand; where nobody listened, what happened meanwhile is of no interest."""
        for branch_id in branches:
            if not self._is_followed(branch_id):
                with self._runtime.sessions() as session:
                    stands = queries.missed(session, branch_id, None).seq
                with self._lock:
                    if not any(branch_id in group for group in self._listeners):
                        self._positions[branch_id] = stands

    def _is_followed(self, branch_id: UUID) -> bool:
        with self._lock:
            return any(branch_id in group for group in self._listeners)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wait()
            try:
                self.look()
            except SQLAlchemyError as error:
                log.warning("live feeder cannot read", extra={"error": type(error).__name__})

    def _wait(self) -> None:
        """Until a ring from Redis, at most a second; without Redis just that second."""
        try:
            if self._pubsub is None:
                self._pubsub = self._runtime.redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                self._pubsub.subscribe(LIVE_CHANNEL)
            if self._pubsub.get_message(timeout=POLL_S) is None:
                return
            self._stop.wait(GATHER_S)
            while self._pubsub.get_message(timeout=0) is not None:
                pass
        except (RedisError, OSError) as error:
            log.warning("live feeder has no doorbell", extra={"error": type(error).__name__})
            self._pubsub = None
            self._stop.wait(POLL_S)

    def look(self) -> None:
        """Number what is new, and tell those who may know."""
        with self._lock:
            followed = {branch_id for branches in self._listeners for branch_id in branches}
        if not followed:
            return
        queries.number_changes(self._runtime.sessions, followed)
        with self._runtime.sessions() as session:
            found = {
                branch_id: queries.missed(session, branch_id, self._positions[branch_id]) for branch_id in followed
            }
        for branch_id, news in found.items():
            if news.changes or news.reset or news.seq != self._positions[branch_id]:
                self._tell(branch_id, news)

    def _tell(self, branch_id: UUID, news: queries.Missed) -> None:
        with self._lock:
            before = {branches: self._cursor(branches) for branches in self._listeners if branch_id in branches}
            self._positions[branch_id] = news.seq
            for branches, cursor in before.items():
                content = _frames(cursor, branch_id, news)
                lost = [one for one in self._listeners[branches] if content and not one.hear(content)]
                for listener in lost:
                    self._listeners[branches].discard(listener)
                    listener.end()


def _frames(cursor: Cursor, branch_id: UUID, news: queries.Missed) -> bytes:
    if news.reset:
        return frame("reset", cursor.at(branch_id, news.seq), {})
    return b"".join(change_frame(cursor.at(branch_id, change.seq), change) for change in news.changes)
