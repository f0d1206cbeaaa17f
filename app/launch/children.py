"""The product's processes: what `up` starts, in this order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Every queue that app/reactions.py names; tests compare the two.
QUEUES = ("default", "media")
WEB_WORKERS, WEB_THREADS = 2, 32
# One process with a thread for each open stream; the application refuses further ones below this number.
STREAM_THREADS = 640


@dataclass(frozen=True)
class Address:
    """Where browsers reach us: `host` to listen on, `port` of the web process; the event stream has the next one."""

    host: str
    port: int

    @property
    def stream_port(self) -> int:
        """Port of the event stream."""
        return self.port + 1

    def origin(self, port: int) -> str:
        """The address to type into a browser on this machine."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def env(self) -> dict[str, str]:
        """What the product has to know about it."""
        return {"PUBLIC_ORIGIN": self.origin(self.port), "STREAM_ORIGIN": self.origin(self.stream_port)}


@dataclass(frozen=True)
class Child:
    """One process: its name in logs and its command."""

    name: str
    argv: Sequence[str]


def children(python: Path, address: Address) -> list[Child]:
    """Web and stream process, one worker a queue, and the scheduler."""
    web = [f"--workers={WEB_WORKERS}", f"--threads={WEB_THREADS}", "--graceful-timeout=5", "--timeout=60"]
    stream = ["--workers=1", f"--threads={STREAM_THREADS}", "--graceful-timeout=1", "--timeout=60"]
    listed = [
        Child("web", gunicorn(python, address, address.port, "wsgi:app", web)),
        Child("stream", gunicorn(python, address, address.stream_port, "app.stream:application", stream)),
    ]
    listed += [Child(f"worker-{queue}", [str(python), "-m", "app.worker", queue]) for queue in QUEUES]
    listed.append(Child("scheduler", [str(python), "-m", "app.worker", "--scheduler"]))
    return listed


def gunicorn(python: Path, address: Address, port: int, application: str, options: Sequence[str]) -> list[str]:
    """A gunicorn command; threads, because one slow client must not hold a process."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    common = ["--worker-class=gthread", "--no-control-socket", f"--bind={host}:{port}"]
    return [str(python), "-m", "gunicorn", application, *common, *options]
