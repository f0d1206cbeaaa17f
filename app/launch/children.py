"""The product's processes: what `up` starts, in this order."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Every queue that app/reactions.py names; tests compare the two.
QUEUES = ("default", "media", "plans")
WEB_WORKERS, WEB_THREADS = 2, 32
# One process with a thread for each open stream; the application refuses further ones below this number.
STREAM_THREADS = 640
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared, never the default


@dataclass(frozen=True)
class Address:
    """`host` to listen on and `port` of the web process; the event stream has the next one.

    `seen_as` is how others reach this machine where `host` means all its addresses.
    """

    host: str
    port: int
    seen_as: str = ""

    @classmethod
    def listening_on(cls, host: str, port: int) -> Address:
        """The address for a `--host`; all addresses are shown as the one that leads out of this machine."""
        return cls(host, port, outward_address() if host in EVERYWHERE else host)

    @property
    def stream_port(self) -> int:
        """Port of the event stream."""
        return self.port + 1

    def origin(self, port: int) -> str:
        """The address to type into a browser."""
        host = self.seen_as or self.host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def env(self) -> dict[str, str]:
        """What the product has to know about it."""
        return {"PUBLIC_ORIGIN": self.origin(self.port), "STREAM_ORIGIN": self.origin(self.stream_port)}


def outward_address() -> str:
    """The address of this machine in its network; asking the kernel for a route sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation: no such host
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


@dataclass(frozen=True)
class Child:
    """One process: its name in logs and its command."""

    name: str
    argv: Sequence[str]


def children(python: Path, address: Address) -> list[Child]:
    """Web and stream process, one worker a queue, and the scheduler."""
    # Imported once and forked: that opens no connection and starts no thread, which a test makes sure of.
    web = [f"--workers={WEB_WORKERS}", f"--threads={WEB_THREADS}", "--graceful-timeout=3", "--timeout=60", "--preload"]
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
