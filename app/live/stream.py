"""The stream's WSGI application: who may listen, what they missed, then what comes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from uuid import UUID

from flask import Flask, Response, request

from app.identity.service import COOKIE, actor_by_token
from app.kernel.actor import NOBODY, Actor, Permission
from app.kernel.problem_json import install_problem_handlers
from app.kernel.problems import ForeignOrigin, Problem, Unauthenticated
from app.kernel.unit_of_work import Runtime, UnitOfWork
from app.kernel.web import presented_token
from app.live import queries
from app.live.cursor import Cursor, read_cursor
from app.live.hub import Hub, Listener, change_frame, frame

HEARTBEAT_S = 15.0
CHECK_LOGIN_S = 30.0
RETRY = b"retry: 1000\n\n"


@dataclass
class Stream:
    """One reader's stream."""

    runtime: Runtime
    hub: Hub
    listener: Listener
    token: str
    since: Cursor | None
    fresh: bool

    def frames(self) -> Iterator[bytes]:
        """Where it stands, what was missed, what comes; ends when the login ends or its rights change."""
        try:
            yield RETRY + self._opening()
            check_at = time.monotonic() + CHECK_LOGIN_S
            while (told := self.listener.next(HEARTBEAT_S)) is not None:
                if time.monotonic() >= check_at:
                    if branches_of(_actor(self.runtime, self.token)) != self.listener.branches:
                        return
                    check_at = time.monotonic() + CHECK_LOGIN_S
                yield told or b":\n\n"
        finally:
            self.hub.leave(self.listener)

    def _opening(self) -> bytes:
        if self.fresh:
            return frame("ready", self.listener.joined_at, {})
        return b"".join(self._missed())

    def _missed(self) -> Iterator[bytes]:
        """The changes between the reader's cursor and the moment it joined."""
        joined, place = self.listener.joined_at, self.since
        if place is None or place.epoch != joined.epoch or place.seqs.keys() != joined.seqs.keys():
            yield frame("reset", joined, {})
            return
        with self.runtime.sessions() as session:
            for branch_id, until in joined.seqs.items():
                news = queries.missed(session, branch_id, place.seqs[branch_id])
                if news.reset:
                    yield frame("reset", joined, {})
                    return
                for change in news.changes:
                    if change.seq <= until:
                        place = place.at(branch_id, change.seq)
                        yield change_frame(place, change)
        yield frame("ready", joined, {})


def branches_of(actor: Actor) -> frozenset[UUID]:
    """Whose changes this actor may hear of."""
    return frozenset(actor.branches_with(Permission.READ_ALL_JOBS))


def _actor(runtime: Runtime, token: str) -> Actor:
    """Who the token stands for now. Nothing is written: a screen left open does not keep a login alive."""
    with runtime.sessions() as session:
        uow = UnitOfWork(runtime=runtime, session=session, now=runtime.clock(), actor=NOBODY)
        try:
            return actor_by_token(uow, token)
        except Problem:
            return NOBODY


def create_stream(runtime: Runtime, hub: Hub) -> Flask:
    """The application over a runtime and a started hub."""
    app = Flask("stream", static_folder=None)
    install_problem_handlers(app)
    origin = runtime.settings.public_origin

    @app.get("/api/v1/stream")
    def stream() -> Response:
        if request.headers.get("Origin", origin) != origin:
            raise ForeignOrigin
        token, _ = presented_token(COOKIE)
        actor = _actor(runtime, token or "")
        if actor.person_id is None:
            raise Unauthenticated
        actor.must_somewhere(Permission.READ_ALL_JOBS)
        listener = Listener(branches_of(actor), actor.person_id)
        hub.join(listener)
        last = request.headers.get("Last-Event-ID") or request.args.get("cursor", "")
        opened = Stream(runtime, hub, listener, token or "", read_cursor(last), fresh=not last)
        response = Response(opened.frames(), mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
        response.call_on_close(lambda: hub.leave(listener))  # a reader that went before the first frame
        return response

    @app.get("/health/live")
    def alive() -> dict[str, object]:
        return {"status": "ok", "streams": len(hub)}

    @app.after_request
    def for_our_own_pages(response: Response) -> Response:
        """The page comes from another port of the same host: its origin, and no other, may read."""
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Vary"] = "Origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def close_on_sigterm(hub: Hub) -> None:
    """End all streams at once when the process is told to stop; then whatever the server does on SIGTERM."""
    served = signal.getsignal(signal.SIGTERM)

    def stop(number: int, at: FrameType | None) -> None:
        hub.close()
        if callable(served):
            served(number, at)

    signal.signal(signal.SIGTERM, stop)
