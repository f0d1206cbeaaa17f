"""`up`: from whatever is there to a running district, until Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from app.launch.children import Address, children
from app.launch.context import Launch, Running
from app.launch.places import made
from app.launch.ports import check_port
from app.launch.prepare import demo_logins, prepared
from app.launch.processes import sweep
from app.launch.report import Stop
from app.launch.services import Services
from app.launch.supervisor import Supervisor

READY_PATIENCE_S = 90.0
FIRST = ("web", "stream")
CRASHES_BEFORE_GIVING_UP = 3  # while starting; later ones are restarted for ever


def up(launch: Launch, address: Address, *, echo: bool = False) -> int:
    """Prepare everything, start every process, print where they are, and keep them running until asked to end."""
    with running(launch).as_only_one(address=address.origin(address.port), port=address.port):
        if left := sweep(launch.places.run, str(launch.places.venv)):
            launch.progress.note(
                f"  清理了上次遗留的 {len(left)} 个进程 / ended {len(left)} processes left by a killed run"
            )
        check_port(address.host, address.port)
        check_port(address.host, address.stream_port)
        launch.check_disk()
        cold = not launch.places.python.exists()
        with prepared(launch) as services:
            env = {**launch.product_env(services), **address.env(), **figures(launch), **said_otherwise(launch.environ)}
            serve(launch, address, services, env, cold=cold, echo=echo)
    return 0


def running(launch: Launch) -> Running:
    """The lock that a running `up` holds."""
    return Running(launch.places.run / "up.lock")


def figures(launch: Launch) -> dict[str, str]:
    """Where the web processes put their figures together; those of an earlier run must not be added."""
    folder = launch.places.run / "figures"
    shutil.rmtree(folder, ignore_errors=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(made(folder))}


def said_otherwise(environ: Mapping[str, str]) -> dict[str, str]:
    """Origins the caller sets, where a proxy stands in front."""
    return {name: environ[name] for name in ("PUBLIC_ORIGIN", "STREAM_ORIGIN") if name in environ}


def serve(
    launch: Launch, address: Address, services: Services, env: Mapping[str, str], *, cold: bool, echo: bool
) -> None:
    """Run the processes until a signal, and say where they are."""
    supervisor = Supervisor(children(launch.places.python, address), launch.places, env, launch.progress, echo=echo)
    supervisor.end_on_signals()
    with serving(launch, supervisor, address):
        if not supervisor.ending.is_set():
            remember_times(launch, cold=cold)
            greet(launch, address, services, env)
        supervisor.watch()


@contextmanager
def serving(launch: Launch, supervisor: Supervisor, address: Address) -> Iterator[None]:
    """The processes, answering, for the time of the block; they are stopped whatever happens."""
    try:
        with launch.progress.step("启动服务进程 / starting the processes"):
            supervisor.start(FIRST)  # what a browser waits for gets the processor to itself
            wait_ready(supervisor, address)
            supervisor.start()
        yield
    finally:
        with launch.progress.step("停止 / stopping"):
            supervisor.stop()


def wait_ready(supervisor: Supervisor, address: Address) -> None:
    """Wait until web and stream process answer.

    Raises:
        Stop: one of them keeps ending, or does not answer in time.
    """
    deadline = time.monotonic() + READY_PATIENCE_S
    waiting = {"web": address.port, "stream": address.stream_port}
    while waiting and not supervisor.ending.wait(0.1):
        supervisor.look()
        for one in supervisor.watched:
            stuck = one.child.name in waiting and time.monotonic() > deadline
            if one.crashes >= CRASHES_BEFORE_GIVING_UP or stuck:
                raise Stop(
                    f"进程 {one.child.name} 起不来：完整日志在 var/log/{one.child.name}.log，修好后重试。",
                    f"The process {one.child.name} does not start: its whole log is var/log/{one.child.name}.log.",
                    detail=one.tail(),
                )
        waiting = {name: port for name, port in waiting.items() if not answers(address, port)}


def answers(address: Address, port: int) -> bool:
    """Whether an HTTP server answers there at all; its own health is what /health/ready and `doctor` tell."""
    host = address.origin(port).removeprefix("http://").rpartition(":")[0].strip("[]")
    line = http.client.HTTPConnection(host, port, timeout=2)
    try:
        line.request("GET", "/health/live")
        return line.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def greet(launch: Launch, address: Address, services: Services, env: Mapping[str, str]) -> None:
    """Print the addresses and the demo logins."""
    web = address.origin(address.port)
    lines = [
        "",
        f"  调度台 desk     {web}/desk/",
        f"  班组端 crew     {web}/crew/",
        f"  接口文档 API    {web}/api/docs",
        f"  日志 logs       {launch.places.logs}",
        f"  启动用时 ready in {launch.progress.elapsed_s:.1f} s；Ctrl-C 停止 / stops everything",
        "",
    ]
    print("\n".join(lines), flush=True)
    said = demo_logins(launch, services, env)
    print(logins_table([json.loads(line) for line in said.splitlines() if line.startswith("{")]), flush=True)


def logins_table(logins: list[dict[str, str]]) -> str:
    """The demo logins in columns; "" where no synthetic branch is loaded."""
    if not logins:
        return ""
    rows = [[str(value) for value in login.values()] for login in logins]
    return (
        "  演示账号（合成数据）/ demo logins (synthetic)\n" + "\n".join("    " + "  ".join(row) for row in rows) + "\n"
    )


def remember_times(launch: Launch, *, cold: bool) -> None:
    """Keep how long each step took, for `bench` and for whoever wonders."""
    record = {
        "cold": cold,
        "total_s": round(launch.progress.elapsed_s, 2),
        "steps": [{"step": title, "seconds": round(seconds, 2)} for title, seconds in launch.progress.steps],
        "cpus": os.cpu_count(),
    }
    name = "start-cold.json" if cold else "start-again.json"
    (launch.places.logs / name).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")
