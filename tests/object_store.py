"""A real S3 server for tests: nanio from PyPI, which checks signatures and keeps objects on disk."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mobile_sync.blobs import BucketAddress

BUCKET = "field-files"
START_WITHIN_S = 60.0


@contextmanager
def bucket_server(folder: Path) -> Iterator[BucketAddress]:
    """A server of its own with one empty bucket; yields how to reach it."""
    (folder / BUCKET).mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    at = BucketAddress(BUCKET, "", f"http://127.0.0.1:{port}", "us-east-1", "lamplighter", "only-for-tests")
    env = {**os.environ, "NANIO_ACCESS_KEY": at.access_key_id, "NANIO_SECRET_KEY": at.secret_access_key}
    command = [sys.executable, "-m", "nanio", "serve", "--host=127.0.0.1", f"--port={port}", f"--data-dir={folder}"]
    server = subprocess.Popen([*command, "--no-access-log", "--log-level=error"], env=env)  # noqa: S603
    try:
        _until_it_listens(server, port)
        yield at
    finally:
        server.terminate()
        server.wait(20)


def _until_it_listens(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the S3 server did not start")


def nobody_there(at: BucketAddress) -> BucketAddress:
    """The same bucket behind a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return replace(at, endpoint=f"http://127.0.0.1:{probe.getsockname()[1]}")
