"""A Redis (or Valkey) of our own: on a socket, with an append-only file so that queued tasks outlive it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .accounts import Account, hand_over
from .debian import Prefix
from .processes import wait_gone
from .programs import explained, on_path, run

NAMES = ("redis-server", "valkey-server")


@dataclass(frozen=True)
class RedisServer:
    """One server under `home`; `durable` false keeps everything in memory, for tests."""

    home: Path
    sockets: Path
    program: Path
    account: Account | None
    environ: Mapping[str, str]
    durable: bool = True

    @property
    def socket(self) -> Path:
        """Its socket."""
        return self.sockets / "redis.sock"

    @property
    def url(self) -> str:
        """Its address for redis-py and RQ."""
        return f"unix://{quote(str(self.socket))}?db=0"

    def is_running(self) -> bool:
        """Whether it answers."""
        return self.ask("PING").startswith(("+PONG", "-LOADING"))

    def start(self) -> None:
        """Start it where it does not run.

        Raises:
            Stop: it does not come up.
        """
        if self.is_running():
            return
        hand_over(self.home, self.account)
        self.socket.unlink(missing_ok=True)
        ran = run(self._argv(), env=self.environ, cwd=self.home, account=self.account)
        if ran.code or not self._answers_within(30):
            log = self.home / "log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ran.output
            raise explained(tail, ("Redis 没有启动成功", "Redis did not start"))

    def _argv(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "daemonize": "yes",
            "pidfile": str(self.home / "pid"),
            "logfile": str(self.home / "log"),
        }
        return [str(self.program), *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def stop(self) -> None:
        """Stop it, its append-only file written out."""
        if not self.is_running():
            return
        pid = self.pid()
        self.ask("SHUTDOWN")
        if pid:
            wait_gone(pid, 10)

    def pid(self) -> int:
        """Its process id; 0 where unknown."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.home / "pid").read_text().strip())
        return 0

    def ask(self, command: str) -> str:
        """Send one inline command and return the first bytes of the answer; "" where nobody listens."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(5)
                line.connect(str(self.socket))
                line.sendall(command.encode() + b"\r\n")
                return line.recv(512).decode(errors="replace")
        except OSError:
            return ""

    def _answers_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self.ask("PING").startswith("+PONG"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def find_redis(prefix: Prefix, environ: Mapping[str, str]) -> Path | None:
    """A server program in our prefix or on PATH."""
    for name in NAMES:
        own = prefix.folder / "usr/bin" / name
        if found := own if own.exists() else on_path(name, environ):
            return found
    return None


def redis_env(prefix: Prefix, program: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for it: our libraries only for our own program."""
    own = prefix.folder in program.parents
    return {**environ, "LC_ALL": "C.UTF-8", **({"LD_LIBRARY_PATH": prefix.library_path} if own else {})}
