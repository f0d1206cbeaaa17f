"""The reference of the same run: express-pouchdb, a CouchDB-compatible server in Node, over LevelDB without fsync.

It has no login, no checks, no history and no ledger here: what it costs is documents in and out.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from app.bench.figures import Figure, NotHere, at_least, cpu_of
from app.bench.processes import free_port
from app.bench.sync_clients import survey
from app.kernel.unit_of_work import Runtime

RECORDS, BATCH, START_WITHIN_S = 10_000, 500, 30.0
PACKAGES = ("express@4.21.2", "express-pouchdb@4.2.0", "pouchdb-node@7.3.1")
SERVER = """
const PouchDB = require('pouchdb-node').defaults({prefix: process.argv[2] + '/'});
const app = require('express')();
app.use('/', require('express-pouchdb')(PouchDB, {inMemoryConfig: true, logPath: process.argv[2] + '/log.txt'}));
app.listen(Number(process.argv[3]), '127.0.0.1');
"""


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Documents of the same fields, in the same batches, by one client. No goals: they are what ours is seen beside."""
    try:
        folder = _installed(runtime.settings.blob_root.parent / "bench-pouch")
    except NotHere:
        return
    with _running(folder) as (port, pid):
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        _ask(connection, "PUT", "/surveys")
        chance = random.Random(1)
        docs = [{"_id": f"{at:032x}", **survey(chance, at)} for at in range(RECORDS)]
        bodies = [json.dumps({"docs": docs[at : at + BATCH]}) for at in range(0, RECORDS, BATCH)]
        cpu, began = cpu_of(pid), time.perf_counter()
        for body in bodies:
            _ask(connection, "POST", "/surveys/_bulk_docs", body)
        told = f"{(cpu_of(pid) - cpu) * 1_000_000 / RECORDS:.0f} ms CPU per 1,000; no checks, no history, no fsync"
        yield at_least("sync.pouch.push", RECORDS / (time.perf_counter() - began), "rec/s", 0.0, told)
        cpu, began = cpu_of(pid), time.perf_counter()
        _ask(connection, "GET", "/surveys/_changes?include_docs=true")
        told = f"{(cpu_of(pid) - cpu) * 1_000_000 / RECORDS:.0f} ms CPU per 1,000"
        yield at_least("sync.pouch.pull", RECORDS / (time.perf_counter() - began), "rec/s", 0.0, told)


def _installed(folder: Path) -> Path:
    """The packages in a folder of files that nobody keeps.

    Raises:
        NotHere: no Node, or no registry.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NotHere("npm")
    if not (folder / "node_modules" / "express-pouchdb").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", *PACKAGES]
        done = subprocess.run(command, check=False, cwd=folder, capture_output=True)
        if done.returncode:
            raise NotHere("express-pouchdb")
    return folder


@contextmanager
def _running(folder: Path) -> Iterator[tuple[int, int]]:
    """Port and process of a server over an empty folder."""
    data, port = folder / "data", free_port()
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    server = folder / "server.js"
    server.write_text(SERVER, encoding="utf-8")
    command = [shutil.which("node") or "node", str(server), str(data), str(port)]
    node = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        yield port, node.pid
    finally:
        node.terminate()
        node.wait(20)


def _wait(port: int) -> None:
    until = time.monotonic() + START_WITHIN_S
    while True:
        try:
            _ask(HTTPConnection("127.0.0.1", port, timeout=5), "GET", "/")
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _ask(connection: HTTPConnection, method: str, path: str, body: str | None = None) -> bytes:
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answered = connection.getresponse()
    raw = answered.read()
    if answered.status >= 300:
        raise RuntimeError(f"{path} was answered {answered.status}: {raw[:200]!r}")
    return raw
