"""The product's own processes, started for a benchmark and ended after it, and how much memory they hold."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from app.config import Settings

ROOT = Path(__file__).resolve().parents[2]
WEB = ("wsgi:app", "--workers=2", "--threads=32")
STREAM = ("app.stream:application", "--workers=1", "--threads=640")
START_WITHIN_S = 240.0
HOST = "127.0.0.1"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def gunicorn(port: int, application: str, *options: str) -> list[str]:
    """A command as the launcher makes it."""
    common = ["--worker-class=gthread", "--no-control-socket", f"--bind={HOST}:{port}", "--graceful-timeout=1"]
    common.append("--log-level=warning")
    return [sys.executable, "-m", "gunicorn", application, *common, *options]


def worker(queue: str) -> list[str]:
    """The command of one queue's worker, or of the scheduler (`--scheduler`)."""
    return [sys.executable, "-m", "app.worker", queue]


@contextmanager
def running(settings: Settings, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the product over these settings, ended by SIGTERM."""
    env = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "BLOB_ROOT": str(settings.blob_root),
        "BLOB_STORE": "",
        "SECRET_KEY": settings.secret_key,
        "PUBLIC_ORIGIN": settings.public_origin,
        "STREAM_ORIGIN": settings.stream_origin,
        "LOG_LEVEL": "WARNING",
    }
    started = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(20)


def wait_until_alive(port: int) -> None:
    """Until the process answers its health check.

    Raises:
        TimeoutError: it did not start.
    """
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until:
        try:
            if get(port, "/health/live") == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing answers on port {port}")


def get(port: int, path: str, cookie: str = "") -> int:
    """The status of one request."""
    connection = HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", path, headers={"Cookie": f"session={cookie}", "Accept-Encoding": "gzip"})
        answered = connection.getresponse()
        answered.read()
        return answered.status
    finally:
        connection.close()


def largest_mib(parent: int) -> float:
    """Resident memory of a process or of the largest of its children, in MiB."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return max(_resident_mib(int(pid)) for pid in [str(parent), *children])


def proportional_mib(parent: int) -> float:
    """Proportional set size of a process and its children together: shared pages are counted once, in MiB."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii") for pid in [str(parent), *children]]
    lines = [line.split() for rollup in rollups for line in rollup.splitlines()]
    return sum(int(line[1]) for line in lines if line[0] == "Pss:") / 1024


def _resident_mib(pid: int) -> float:
    """0 for a child that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)
