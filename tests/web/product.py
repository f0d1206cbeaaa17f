"""The whole product on loopback, for tests that need real processes: web, stream, workers, scheduler."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from sqlalchemy import create_engine, make_url, text

from app.district.load import DEMO_PASSWORD
from app.launch.children import Address, children

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90
BLOBS = "blobs"  # the files' folder in a product's own


@dataclass(frozen=True)
class Stock:
    """A loaded database to copy, by name, and the files that belong to it."""

    database: str
    blobs: Path


@dataclass
class Product:
    """Where it answers, what it was started with, and where its logs are. `kill` and `start` pull the plug."""

    address: Address
    env: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]]
    state: Path
    password: str = DEMO_PASSWORD

    @property
    def origin(self) -> str:
        """The web process."""
        return self.address.origin(self.address.port)

    def start(self, name: str) -> None:
        """Start one process by its name in the launcher's list."""
        child = next(child for child in children(Path(sys.executable), self.address) if child.name == name)
        log = (self.state / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            list(child.argv), cwd=ROOT, env=self.env, start_new_session=True, stdout=log, stderr=subprocess.STDOUT
        )
        log.close()

    def kill(self, name: str) -> None:
        """End one process and its children without asking."""
        process = self.processes.pop(name)
        os.killpg(process.pid, 9)
        process.wait()

    def wait_ready(self) -> None:
        """Wait until web and stream answer."""
        end = time.monotonic() + PATIENCE_S
        for port in (self.address.port, self.address.stream_port):
            while not answers(f"{self.address.origin(port)}/health/live"):
                if time.monotonic() > end:
                    raise TimeoutError(f"nothing answers on port {port}")
                time.sleep(0.2)


@contextmanager
def backup(product: Product) -> Iterator[Callable[[], None]]:
    """The database as it stands now, and how to put it back in place of what has become of it."""
    own = make_url(product.env["DATABASE_URL"])
    name, copy = own.database, f"{own.database}_backup"
    server = create_engine(own.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def copied(source: str | None, target: str | None) -> None:
        with server.connect() as connection:
            connection.execute(text(f'ALTER DATABASE "{source}" ALLOW_CONNECTIONS false'))
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": source}
            )
            connection.execute(text(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{target}" TEMPLATE "{source}" STRATEGY file_copy'))
            connection.execute(text(f'ALTER DATABASE "{source}" ALLOW_CONNECTIONS true'))

    def put_back() -> None:
        product.kill("web")
        copied(copy, name)
        product.start("web")
        product.wait_ready()

    copied(name, copy)
    yield put_back
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)'))
    server.dispose()


def answers(url: str) -> bool:
    """Whether a server says anything at all there."""
    try:
        requests.get(url, timeout=2)
    except (requests.ConnectionError, requests.Timeout):  # a busy machine is slow to say that it lives
        return False
    return True


def free_address() -> Address:
    """Two neighbouring ports that nobody holds."""
    while True:
        with socket.socket() as probe, socket.socket() as neighbour:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            try:
                neighbour.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return Address("127.0.0.1", port)


def product_env(database_url: str, redis_url: str, blobs: Path) -> dict[str, str]:
    """The environment of the product's processes, but for its address."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BLOB_ROOT": str(blobs),
        "SECRET_KEY": "only-for-tests-" + "x" * 32,
    }


def run_command(env: dict[str, str], *arguments: str) -> None:
    """Run one of the product's own commands to its end."""
    subprocess.run([sys.executable, "-m", "app.cli", *arguments], cwd=ROOT, env=env, check=True)


@contextmanager
def running_product(database_url: str, redis_url: str, state: Path) -> Iterator[Product]:
    """The product over a database and the files in `state`, until the block ends."""
    address = free_address()
    env = {**product_env(database_url, redis_url, state / BLOBS), **address.env()}
    product = Product(address, env, {}, state)
    try:
        for child in children(Path(sys.executable), address):
            product.start(child.name)
        product.wait_ready()
        yield product
    finally:
        for name in list(product.processes):
            product.kill(name)
