"""What a person sees while the launcher works: steps with their time, and one sentence when it cannot go on."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
QUIET_HEARTBEAT_S = 15.0  # without a terminal a long step says every so often that it is alive


class Stop(Exception):
    """The command cannot go on. Says in one sentence what happened and what to do, in Chinese and in English."""

    def __init__(self, zh: str, en: str, *, code: int = 1, detail: str = "") -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.code = code
        self.detail = detail.strip()

    def text(self) -> str:
        """The sentence as printed, under the tail of the failing program's output where there is one."""
        lines = list(dict.fromkeys(line[:200] for line in self.detail.splitlines()))  # retries say the same again
        tail = "\n".join(f"  | {line}" for line in lines[-12:])
        return f"{tail}\n✗ {self.zh}\n  {self.en}".lstrip("\n")


@dataclass
class Outcome:
    """How a step went: a block that knows it failed without raising says so here."""

    failed: bool = False


class Progress:
    """Prints each step with its duration, to stderr so that a command's own output stays clean."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.tty = self.stream.isatty()
        self.steps: list[tuple[str, float]] = []
        self._under_way: dict[str, float] = {}  # title and when it began, of steps that run side by side
        self.started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since this report began."""
        return time.monotonic() - self.started

    def note(self, text: str) -> None:
        """Print one line; a terminal that was closed meanwhile must not keep `up` from stopping what it started."""
        with contextlib.suppress(OSError):
            print(f"{self._clear()}{text}", file=self.stream, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Outcome]:
        """Show `title` as under way, then as done or failed with its seconds."""
        began = time.monotonic()
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(title, began, done), daemon=True)
        self._under_way[title] = began
        if not self.tty:
            self.note(f"… {title}")
        ticker.start()
        outcome = Outcome()
        try:
            yield outcome
        except BaseException:
            outcome.failed = True
            raise
        finally:
            done.set()
            ticker.join()
            del self._under_way[title]
            seconds = time.monotonic() - began
            self.steps.append((title, seconds))
            self.note(f"{'✗' if outcome.failed else '✓'} {title}  {seconds:.1f} s")

    def _tick(self, title: str, began: float, done: threading.Event) -> None:
        turn = 0
        while not done.wait(0.1 if self.tty else QUIET_HEARTBEAT_S):
            turn += 1
            if self.tty:
                print(self._clear() + self._line(turn), end="", file=self.stream, flush=True)
            else:
                self.note(f"… {title}  {time.monotonic() - began:.0f} s")

    def _line(self, turn: int) -> str:
        """All steps under way in one line."""
        now = time.monotonic()
        steps = " · ".join(f"{title}  {now - began:.0f} s" for title, began in list(self._under_way.items()))
        return f"{SPINNER[turn % len(SPINNER)]} {steps}"

    def _clear(self) -> str:
        return "\r\x1b[2K" if self.tty else ""
