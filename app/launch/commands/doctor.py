"""`doctor`: one table of what is here, what runs and what to do about the rest."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.launch.browser import SYSTEM_FONTS, has_cjk_font, own_browser, system_browser
from app.launch.commands.stop import servers
from app.launch.commands.up import running
from app.launch.context import FIRST_START_BYTES, LATER_START_BYTES, Launch
from app.launch.debian import Apt
from app.launch.node import find_node
from app.launch.ports import check_port
from app.launch.postgres import data_version
from app.launch.postgres_programs import find_programs
from app.launch.processes import PidFile
from app.launch.programs import on_path, run
from app.launch.redis_server import find_redis
from app.launch.report import Stop
from app.launch.stamps import Stamp, digest
from app.web.build import is_current

GOOD, LATER, BROKEN = "✓", "·", "✗"


@dataclass(frozen=True)
class Finding:
    """One row: its mark, what was looked at, what was found, and what to do (or what `up` will do)."""

    mark: str
    what: str
    found: str
    todo: str = ""


def doctor(launch: Launch, port: int) -> int:
    """Print every finding; 1 where something stands in the way of `up`."""
    findings = [
        machine(),
        disk(launch),
        packages(launch),
        postgres(launch),
        redis(launch),
        node(launch),
        screens(),
        browser(launch),
        fonts(launch),
        *processes(launch, port),
    ]
    for row in findings:
        print(f"{row.mark} {row.what:<11} {row.found}" + (f"\n{'':14}→ {row.todo}" if row.todo else ""))
    return int(any(row.mark == BROKEN for row in findings))


def machine() -> Finding:
    """Interpreter and system; an old interpreter never gets this far."""
    return Finding(GOOD, "python", f"{platform.python_version()} {sys.executable} · {platform.platform()}")


def disk(launch: Launch) -> Finding:
    """Free space for the next start."""
    free = shutil.disk_usage(launch.places.var).free
    needed = LATER_START_BYTES if launch.places.python.exists() else FIRST_START_BYTES
    found = f"{free / 1024**3:.1f} GiB free in {launch.places.var}"
    if free < needed:
        return Finding(BROKEN, "disk", found, f"腾出空间 / free at least {needed / 1024**3:.1f} GiB")
    return Finding(GOOD, "disk", found)


def packages(launch: Launch) -> Finding:
    """The virtual environment against its lock."""
    lock = launch.places.root / "requirements.txt"
    current = Stamp(launch.places.stamps / lock.name).matches(digest([lock], sys.version))
    dev = Stamp(launch.places.stamps / "requirements-dev.txt").path.exists()
    if (current and launch.places.python.exists()) or dev:
        return Finding(GOOD, "packages", f"{launch.places.venv}{' (dev)' if dev else ''}")
    fetcher = "uv" if on_path("uv", launch.environ) else "pip / apt"
    return Finding(
        LATER, "packages", "未安装或已过期 / missing or out of date", f"up 会安装（{fetcher}）/ up installs them"
    )


def postgres(launch: Launch) -> Finding:
    """The database: a foreign one by name, or our programs and data."""
    if url := launch.environ.get("DATABASE_URL"):
        return Finding(GOOD, "database", f"DATABASE_URL → {url.rpartition('@')[2]}")
    found = find_programs(launch.maker.prefix("postgres"), launch.python.env)
    version = data_version(launch.places.services / "pg" / "data")
    if found and version and version not in {programs.major for programs in found}:
        return Finding(
            BROKEN, "database", f"data of PostgreSQL {version}", "装回该版本或 wipe / bring it back, or wipe"
        )
    if found:
        runs = any(server.is_running() for server in servers(launch) if server.home.name == "pg")
        return Finding(GOOD, "database", f"PostgreSQL {found[0].major} + PostGIS, {found[0].bin}{state(runs)}")
    if Apt.is_here(launch.environ):
        return Finding(
            LATER,
            "database",
            "没有带 PostGIS 的 PostgreSQL / none here",
            "up 会取得 / up fetches it by apt, uninstalled",
        )
    return Finding(BROKEN, "database", "没有 PostGIS，也没有 apt / no PostGIS and no apt", "设 / set DATABASE_URL")


def redis(launch: Launch) -> Finding:
    """The queue's server."""
    if url := launch.environ.get("REDIS_URL"):
        return Finding(GOOD, "redis", f"REDIS_URL → {url.rpartition('@')[2]}")
    if program := find_redis(launch.maker.prefix("redis"), launch.python.env):
        runs = any(server.is_running() for server in servers(launch) if server.home.name == "redis")
        return Finding(GOOD, "redis", f"{program}{state(runs)}")
    return Finding(LATER, "redis", "没有 / none here", "up 会取得 / up fetches it by apt or as a wheel")


def node(launch: Launch) -> Finding:
    """Node for building the screens."""
    if found := find_node(launch.environ):
        return Finding(GOOD, "node", f"{run([found, '--version']).output.strip()} {found}")
    if (launch.places.tools / "node-bin/node").exists():
        return Finding(GOOD, "node", str(launch.places.tools / "node-bin/node"))
    return Finding(LATER, "node", "没有 20.19+ 或 22.12+ / none new enough", "up 会取得 / up fetches it as a wheel")


def screens() -> Finding:
    """The built screens."""
    if is_current():
        return Finding(GOOD, "screens", "最新 / up to date")
    return Finding(LATER, "screens", "未构建或已过期 / not built or out of date", "up 会构建 / up builds them")


def browser(launch: Launch) -> Finding:
    """Chromium, which only tests need."""
    found = system_browser(launch.environ) or own_browser(launch.maker.prefix("browser"))
    if found:
        return Finding(GOOD, "chromium", str(found))
    return Finding(
        LATER, "chromium", "没有 / none here", "只有测试需要，test 会取得 / only tests need it; test fetches it"
    )


def fonts(launch: Launch) -> Finding:
    """Fonts with Chinese characters."""
    if has_cjk_font(SYSTEM_FONTS) or has_cjk_font(launch.maker.prefix("browser").folder / "usr/share/fonts"):
        return Finding(GOOD, "fonts", "有中文字体 / CJK font found")
    return Finding(
        LATER,
        "fonts",
        "没有中文字体 / no CJK font",
        "只有测试截图需要，test 会取得 / only tests need one; test fetches it",
    )


def processes(launch: Launch, port: int) -> Iterator[Finding]:
    """Who runs; where nobody does, whether the ports are free."""
    about = running(launch).about()
    for path in sorted(launch.places.run.glob("*.pid")):
        yield child(launch, path, is_up=bool(about))
    if about:
        yield Finding(GOOD, "up", f"运行中 / running: {about.get('address')} ({about.get('pid')})")
    else:
        yield from (free_port(number) for number in (port, port + 1))


def child(launch: Launch, path: Path, *, is_up: bool) -> Finding:
    """One process that was started."""
    pid = PidFile(path).living()
    if pid and is_up:
        return Finding(GOOD, path.stem, f"运行中 / running ({pid})")
    if pid:
        return Finding(
            LATER, path.stem, f"上次遗留 / left by a killed run ({pid})", "up 或 down 会清理 / up or down ends it"
        )
    return Finding(
        BROKEN if is_up else LATER, path.stem, "没有在运行 / not running", f"{launch.places.logs / path.stem}.log"
    )


def free_port(number: int) -> Finding:
    """Whether `up` could listen there."""
    try:
        check_port("127.0.0.1", number)
    except Stop as taken:
        return Finding(BROKEN, "port", f"{number}: {taken.en}", "up --port N")
    return Finding(GOOD, "port", f"{number} 空闲 / free")


def state(runs: bool) -> str:
    """How a server's state is shown."""
    return "，运行中 / running" if runs else "，未运行 / stopped"
