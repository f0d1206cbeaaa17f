"""The way from a bare checkout to a filled database and built screens; each step is skipped where it is done."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.web.build import is_current

from .context import KEEP_COMPILED, Launch
from .node import node_env
from .programs import must
from .report import Stop
from .services import DEMO, Services
from .stamps import Stamp, digest
from .together import side_by_side

SIZES = ("tiny", "demo", "load")
UNKNOWN_VERSION = re.compile(r"Can't locate revision identified by '(\w+)'")  # alembic's words


@contextmanager
def prepared(launch: Launch, *, dev: bool = False, screens: bool = True, district: bool = True) -> Iterator[Services]:
    """The running servers of the product with a filled database, and built screens, for the time of the block.

    What does not wait for one another is done side by side: the packages, the servers and the screens first; schema
    and district as soon as packages and servers are there.
    """
    with ExitStack() as stack:
        with side_by_side() as steps:
            packages = steps.begin(launch.python.ready, dev=dev)
            servers = steps.begin(start_servers, launch, stack)
            if screens:
                steps.begin(build_screens, launch)
            steps.begin(fill, launch, packages, servers, district=district)
        yield servers.result()


def start_servers(launch: Launch, stack: ExitStack) -> Services:
    """Fetch the servers where they are missing, and start them until `stack` is closed."""
    services = launch.maker.services(DEMO, launch.environ)
    stack.enter_context(launch.using(services))
    return services


def fill(launch: Launch, packages: Future[bool], servers: Future[Services], *, district: bool) -> None:
    """Bring the schema up to date, and load the demo district where it is wanted and the database is empty."""
    if packages.result():
        compile_modules(launch)
    services = servers.result()
    env = launch.product_env(services)
    migrate(launch, services, env)
    if district:
        load_district(launch, services, env)


def compile_modules(launch: Launch) -> None:
    """Import everything once, so that Python keeps it compiled: the servers are still being fetched meanwhile."""
    env = {**launch.python.env, **KEEP_COMPILED}
    failing = ("加载程序失败", "Loading the program failed")
    must([launch.places.python, "-m", "app.cli", "--help"], env=env, cwd=launch.places.root, failing=failing)


def build_screens(launch: Launch) -> None:
    """Build both web apps where they are not up to date; the builder needs Node and this interpreter only."""
    if is_current():
        return
    with launch.progress.step("界面 / web screens"):
        env = node_env(launch.python, launch.python.env)
        failing = ("构建界面失败", "Building the screens failed")
        must([sys.executable, "-m", "app.web", "build"], env=env, cwd=launch.places.root, failing=failing)


def migrate(launch: Launch, services: Services, env: Mapping[str, str]) -> None:
    """Bring the schema to the newest version; a server that is not ours is asked every time."""
    stamp = data_stamp(launch, services, "schema")
    versions = digest([launch.places.root / "migrations", launch.places.root / "mobile_sync" / "adapters"])
    if stamp and stamp.matches(versions):
        return
    with launch.progress.step("数据库结构 / database schema"):
        try:
            inside(launch, env, "migrate", failing=("升级数据库结构失败", "Migrating the database failed"))
        except Stop as failure:
            raise newer_data(failure) or failure from failure
    if stamp:
        stamp.write(versions)


def newer_data(failure: Stop) -> Stop | None:
    """The sentence for a database that a later Lamplighter has left: its schema's version is not among ours."""
    unknown = UNKNOWN_VERSION.search(failure.detail)
    if not unknown:
        return None
    return Stop(
        f"数据库由更新版本的 Lamplighter 建立（结构版本 {unknown[1]}）：请更新代码，或用 wipe 删除数据后重来。",
        f"The database is a later Lamplighter's (schema {unknown[1]}): update this checkout, or `wipe` the data.",
    )


def load_district(launch: Launch, services: Services, env: Mapping[str, str]) -> None:
    """Fill an empty database with the invented district.

    Raises:
        Stop: LAMPLIGHTER_DISTRICT names no size, or loading failed.
    """
    size = launch.environ.get("LAMPLIGHTER_DISTRICT", "demo")
    if size == "none":
        return
    if size not in SIZES:
        raise Stop(
            f"LAMPLIGHTER_DISTRICT={size} 不认识：可选 {'、'.join(SIZES)}，或 none（不装演示数据）。",
            f"LAMPLIGHTER_DISTRICT={size} is unknown: use {', '.join(SIZES)}, or none for no demo data.",
        )
    stamp = data_stamp(launch, services, "district")
    if stamp and stamp.path.exists():
        return
    with launch.progress.step(f"示范区 Longheng ({size}) / demo district"):
        failing = ("装载示范区失败", "Loading the demo district failed")
        inside(launch, env, "load-demo", "--size", size, failing=failing)
        demo_logins(launch, services, env)
    if stamp:
        stamp.write(size)


def demo_logins(launch: Launch, services: Services, env: Mapping[str, str]) -> str:
    """The demo's logins, one JSON object a line; asked of our own database once, because asking takes seconds."""
    kept = data_stamp(launch, services, "demo-logins")
    if kept and kept.path.exists():
        return kept.path.read_text()
    said = inside(launch, env, "demo-logins", failing=("读取演示账号失败", "Reading the demo logins failed"))
    if kept and said.strip():
        kept.write(said)
    return said


def data_stamp(launch: Launch, services: Services, name: str) -> Stamp | None:
    """A stamp about our own cluster's contents, lying beside the data so that it goes when they go."""
    return Stamp(launch.places.services / "pg-stamps" / name) if services.cluster else None


def inside(launch: Launch, env: Mapping[str, str], *arguments: str | Path, failing: tuple[str, str]) -> str:
    """Run one `app.cli` command in the virtual environment and return its output."""
    return must([launch.places.python, "-m", "app.cli", *arguments], env=env, cwd=launch.places.root, failing=failing)


def call_inside(launch: Launch, env: Mapping[str, str], arguments: list[str]) -> int:
    """Run one `app.cli` command on this terminal, in the caller's folder; returns its exit code."""
    try:
        return subprocess.run(
            [str(launch.places.python), "-m", "app.cli", *arguments], env=dict(env), check=False
        ).returncode
    except KeyboardInterrupt:
        return 130
