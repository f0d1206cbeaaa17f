"""The way from a bare checkout to a filled database and built screens; each step is skipped where it is done."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from .context import Launch
from .node import node_env
from .programs import must
from .report import Stop
from .services import Services
from .stamps import Stamp, digest

SIZES = ("tiny", "demo", "load")


def build_screens(launch: Launch, env: Mapping[str, str]) -> None:
    """Build both web apps; app.web itself knows when there is nothing to do."""
    with launch.progress.step("界面 / web screens"):
        with_node = node_env(launch.python, env)
        failing = ("构建界面失败", "Building the screens failed")
        must([launch.places.python, "-m", "app.web", "build"], env=with_node, cwd=launch.places.root, failing=failing)


def migrate(launch: Launch, services: Services, env: Mapping[str, str]) -> None:
    """Bring the schema to the newest version; a server that is not ours is asked every time."""
    stamp = data_stamp(launch, services, "schema")
    versions = digest([launch.places.root / "migrations", launch.places.root / "mobile_sync" / "adapters"])
    if stamp and stamp.matches(versions):
        return
    with launch.progress.step("数据库结构 / database schema"):
        inside(launch, env, "migrate", failing=("升级数据库结构失败", "Migrating the database failed"))
    if stamp:
        stamp.write(versions)


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
