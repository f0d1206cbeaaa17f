"""Keeps the product's processes running: starts them, writes their logs, restarts a crashed one, stops them all."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from .children import Child
from .places import Places
from .processes import PidFile, send, session_members
from .report import Progress

LOG_BYTES = 10 * 1024**2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STABLE_AFTER_S = 60.0  # a process that lived this long starts with a short pause again
STOP_PATIENCE_S = 10.0


def pause_after(crashes: int) -> float:
    """Seconds to wait before the next start: doubling from half a second to half a minute."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** max(0, crashes - 1))


def file_log(path: Path) -> logging.Logger:
    """A logger writing lines with their time into `path`, rotated so that a forgotten demo fills no disk."""
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger(f"lamplighter.child.{path.stem}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = []
    logger.addHandler(handler)
    return logger


class Watched:
    """One child under watch."""

    def __init__(self, child: Child, places: Places, env: Mapping[str, str], *, echo: bool) -> None:
        self.child = child
        self.places = places
        self.env = env
        self.echo = echo
        self.log = file_log(places.logs / f"{child.name}.log")
        self.pid_file = PidFile(places.run / f"{child.name}.pid")
        self.process: subprocess.Popen[bytes] | None = None
        self.crashes = 0
        self.started = 0.0
        self.due = 0.0  # monotonic time of the next start
        self.last_line = ""

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self.process = subprocess.Popen(
            list(self.child.argv),
            cwd=self.places.root,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started = time.monotonic()
        self.pid_file.write(self.process.pid, self.child.argv)
        if self.process.stdout:
            threading.Thread(target=self._copy, args=(self.process.stdout,), daemon=True).start()

    def _copy(self, lines: IO[bytes]) -> None:
        for raw in lines:
            line = raw.decode(errors="replace").rstrip()
            self.last_line = line or self.last_line
            self.log.info("%s", line)
            if self.echo:
                print(f"{self.child.name:>16} | {line}", flush=True)

    def has_crashed(self) -> bool:
        """Whether it ran and has ended."""
        return self.process is not None and self.process.poll() is not None

    def note_crash(self, progress: Progress) -> None:
        """Say that it ended, and plan the next start."""
        code = self.process.returncode if self.process else 0
        self.crashes = 1 if time.monotonic() - self.started > STABLE_AFTER_S else self.crashes + 1
        pause = pause_after(self.crashes)
        self.process = None
        self.due = time.monotonic() + pause
        self.log.info("ended with %s, next start in %.1f s", code, pause)
        progress.note(
            f"! {self.child.name} 意外退出 / ended ({code}), {pause:.1f} s 后重启 / restarting. {self.last_line[:160]}"
        )

    def tail(self, lines: int = 12) -> str:
        """The end of its log."""
        path = self.places.logs / f"{self.child.name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])

    def ask_to_end(self) -> None:
        """Ask it to finish."""
        if self.process and self.process.poll() is None:
            send(self.process.pid, signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """Wait for it until `deadline`, then end whatever is left of its session."""
        if self.process:
            try:
                self.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                send(self.process.pid, signal.SIGKILL, group=True)
                self.process.wait()
            for pid in session_members(self.process.pid):
                send(pid, signal.SIGKILL)
        self.pid_file.clear()


class Supervisor:
    """All children together."""

    def __init__(
        self, listed: Sequence[Child], places: Places, env: Mapping[str, str], progress: Progress, *, echo: bool = False
    ) -> None:
        self.progress = progress
        self.watched = [Watched(child, places, env, echo=echo) for child in listed]
        self.ending = threading.Event()

    def start(self, names: Collection[str] | None = None) -> None:
        """Start the children of those names, or all that have not been started."""
        for one in self.watched:
            if one.process is None and (names is None or one.child.name in names):
                one.start()

    def look(self) -> None:
        """Note who has ended and start again whose pause is over."""
        for one in self.watched:
            if one.has_crashed():
                one.note_crash(self.progress)
            elif one.process is None and one.crashes and time.monotonic() >= one.due:
                one.start()

    def watch(self) -> None:
        """Keep them running until a signal asks to end."""
        while not self.ending.wait(0.25):
            self.look()

    def stop(self) -> None:
        """End every child, the background work first so that it may still reach the web process."""
        for one in reversed(self.watched):
            one.ask_to_end()
        deadline = time.monotonic() + STOP_PATIENCE_S
        for one in reversed(self.watched):
            one.end(deadline)

    def end_on_signals(self) -> None:
        """Let Ctrl-C, `down` and a closed terminal end the watch instead of the program."""

        def asked(_number: int, _frame: object) -> None:
            if self.ending.is_set():
                os._exit(130)  # asked twice: the next start cleans up
            self.ending.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, asked)
