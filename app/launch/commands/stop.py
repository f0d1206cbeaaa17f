"""`down` and `wipe`: stop what runs, delete what was made."""

from __future__ import annotations

import shutil
import signal
import sys

from app.launch.commands.up import running
from app.launch.context import Launch
from app.launch.places import socket_folder
from app.launch.postgres import Cluster
from app.launch.postgres_programs import find_programs
from app.launch.processes import send, sweep, wait_gone
from app.launch.redis_server import RedisServer, find_redis, redis_env
from app.launch.report import Stop

PATIENCE_S = 40.0


def down(launch: Launch) -> int:
    """Stop a running `up`, what a killed one left, and our servers."""
    about = running(launch).about()
    if about:
        with launch.progress.step(f"停止进程 / stopping process {about['pid']}"):
            send(about["pid"], signal.SIGTERM)
            if not wait_gone(about["pid"], PATIENCE_S):
                raise Stop(
                    f"进程 {about['pid']} 没有按时结束：再 down 一次，或 kill -9 它后重新 up。",
                    f"Process {about['pid']} did not end in time: run down again, or kill -9 it and start `up`.",
                )
    left = sweep(launch.places.run, str(launch.places.venv))
    stopped = stop_servers(launch)
    if not (about or left or stopped):
        launch.progress.note("没有在运行的服务 / nothing was running")
    return 0


def stop_servers(launch: Launch) -> bool:
    """Stop our database and Redis where they still run; nothing is fetched for that."""
    home = launch.places.services
    stopped = False
    for server in servers(launch) if home.exists() else []:
        if server.is_running():
            with launch.progress.step(f"停止 / stopping {server.home.name}"):
                server.stop()
            stopped = True
    return stopped


def servers(launch: Launch) -> list[Cluster | RedisServer]:
    """Our servers as far as their programs are here."""
    home, env, account = launch.places.services, launch.python.env, launch.account
    sockets = socket_folder(home, account)
    found: list[Cluster | RedisServer] = [
        Cluster(home / "pg", sockets, programs, account, env)
        for programs in find_programs(launch.maker.prefix("postgres"), env)[:1]
        if (home / "pg/data").exists()
    ]
    prefix = launch.maker.prefix("redis")
    if program := find_redis(prefix, env):
        found.append(RedisServer(home / "redis", sockets, program, account, redis_env(prefix, program, env)))
    return found


def wipe(launch: Launch, *, everything: bool, sure: bool) -> int:
    """Delete the data after asking; `everything` takes the downloaded programs and the environment, too."""
    places = launch.places
    data = [places.services / name for name in ("pg", "pg-stamps", "redis", "sockets", "test")] + [places.var / "blobs"]
    doomed = [places.services, places.var] if everything else data
    doomed = [folder for folder in doomed if folder.exists()]
    if not sure and not agreed([str(folder) for folder in doomed]):
        launch.progress.note("没有删除任何东西 / nothing was deleted")
        return 1
    down(launch)
    if launch.environ.get("DATABASE_URL"):
        launch.progress.note("  DATABASE_URL 所指的数据库不动 / the database that DATABASE_URL names is left alone")
    for folder in doomed:
        with launch.progress.step(f"删除 / deleting {folder}"):
            shutil.rmtree(folder, ignore_errors=False)
    return 0


def agreed(doomed: list[str]) -> bool:
    """Ask on the terminal; without one the answer is no."""
    print("将删除 / about to delete:\n  " + "\n  ".join(doomed), file=sys.stderr)
    if not sys.stdin.isatty():
        print("没有终端可问：确定要删除请加 --yes / no terminal to ask on: add --yes", file=sys.stderr)
        return False
    return input("输入 yes 确认 / type yes to go on: ").strip().lower() == "yes"
