"""`test`: every check and every test, on servers of their own, in an environment made for it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager

from app.launch.browser import browser_env
from app.launch.context import Launch, Running
from app.launch.node import node_env
from app.launch.places import made
from app.launch.prepare import build_screens
from app.launch.report import Stop
from app.launch.services import TEST, Services
from app.launch.together import side_by_side

# Three: a browser test waits for half of its time, and two would leave a core idle.
PARALLEL = ["-n", "3", "--dist", "loadscope", "--no-loadscope-reorder"]
COUNTED = ["--cov", "--cov-report=xml:var/test/coverage.xml", "--durations=10"]
NO_BROWSER = "not browser"  # the marker expression that needs no Chromium

Failed = tuple[str, int]  # a check by name, and its exit code


def test(launch: Launch, arguments: list[str]) -> int:
    """Run the checks side by side and pytest last; returns the first exit code that is not 0.

    `--quick` leaves the checks out; other arguments go to pytest, which then runs alone and in one process.
    """
    quick = "--quick" in arguments
    chosen = [argument for argument in arguments if argument != "--quick"]
    with Running(launch.places.run / "test.lock").as_only_one():
        launch.check_disk()
        with ready(launch, checked=not (quick or chosen), browser=NO_BROWSER not in chosen) as (env, failed):
            code = run_pytest(launch, env, chosen or [*PARALLEL, *COUNTED])
    for name, _ in failed:
        launch.progress.note(f"✗ {name}")
    return next((code for _, code in failed), 0) or code


@contextmanager
def ready(launch: Launch, *, checked: bool, browser: bool) -> Iterator[tuple[dict[str, str], list[Failed]]]:
    """All that pytest needs, for the time of the block, and the checks that failed.

    What does not wait for one another is done side by side, since fetching leaves the processors idle: Python's sources
    are checked as soon as the tools are there, the screens when they are built.
    """
    with ExitStack() as stack:
        with side_by_side() as steps:
            packages = steps.begin(launch.python.ready, dev=True)
            built = steps.begin(build, launch)
            servers = steps.begin(start_fresh, launch, stack)
            found = steps.begin(browser_env, launch.maker, launch.environ) if browser else None
            begun = [steps.begin(run_checks, launch, packages, built)] if checked else []
        failed = [*built.result(), *(one for ended in begun for one in ended.result())]
        yield test_env(launch, servers.result(), found.result() if found else {}), failed


def start_fresh(launch: Launch, stack: ExitStack) -> Services:
    """Fetch the servers where they are missing, and start empty ones until `stack` is closed."""
    services = launch.maker.services(TEST, launch.environ)
    stack.enter_context(fresh(launch, services))
    return services


def test_env(launch: Launch, services: Services, browser: Mapping[str, str]) -> dict[str, str]:
    """The environment of tests: servers, Node, a browser where one is wanted; never the demo's data."""
    env = node_env(launch.python, launch.product_env(services))
    blobs = made(launch.places.var / "test" / "blobs")
    return {**env, **browser, "BLOB_ROOT": str(blobs), "BLOB_STORE": "", "LC_ALL": "C.UTF-8"}


@contextmanager
def fresh(launch: Launch, services: Services) -> Iterator[None]:
    """Empty servers for one run. They write without syncing, so what a killed run left is not worth recovering."""
    stop_and_delete(services)
    try:
        with launch.progress.step("测试用 PostgreSQL + PostGIS, Redis / for tests"):
            services.start()
        yield
    finally:
        stop_and_delete(services)


def stop_and_delete(services: Services) -> None:
    """Stop our servers, and leave nothing of them."""
    services.stop()
    for server in (services.cluster, services.redis):
        if server:
            shutil.rmtree(server.home, ignore_errors=True)


def build(launch: Launch) -> list[Failed]:
    """Build the screens for the browser tests; a failure is one more failed check and stops no other."""
    try:
        build_screens(launch)
    except Stop as failure:
        launch.progress.note(failure.text())
        return [("screens build", failure.code)]
    return []


def checks(launch: Launch) -> list[tuple[str, list[str]]]:
    """The checks of Python's sources by name: command lines inside the environment."""
    python = str(launch.places.python)
    programs = launch.places.venv / "bin"
    return [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("mypy", [python, "-m", "mypy"]),
        ("lint-imports", [str(programs / "lint-imports")]),
        ("deptry", [str(programs / "deptry"), "."]),
    ]


def run_checks(launch: Launch, packages: Future[bool], built: Future[list[Failed]]) -> list[Failed]:
    """Run every check, side by side, also after one failed; returns the failed ones with their exit codes."""
    packages.result()
    env = {**launch.python.env, "LC_ALL": "C.UTF-8"}
    with side_by_side() as together:
        begun = [(name, together.begin(run_check, launch, env, name, argv)) for name, argv in checks(launch)]
        built.result()
        with_node = node_env(launch.python, env)
        screens = [str(launch.places.python), "-m", "app.web", "check"]
        begun.append(("screens", together.begin(run_check, launch, with_node, "screens", screens)))
    return [(name, ended.result()) for name, ended in begun if ended.result()]


def run_check(launch: Launch, env: Mapping[str, str], name: str, argv: list[str]) -> int:
    """Run one check; what it has to say is shown when it failed."""
    with launch.progress.step(name) as outcome:
        done = subprocess.run(argv, cwd=launch.places.root, env=dict(env), capture_output=True, check=False)
        outcome.failed = done.returncode != 0
    if done.returncode:
        launch.progress.note((done.stdout + done.stderr).decode(errors="replace").rstrip())
    return done.returncode


def run_pytest(launch: Launch, env: Mapping[str, str], arguments: list[str]) -> int:
    """Run pytest on this terminal."""
    began = time.monotonic()
    argv = [str(launch.places.python), "-m", "pytest", *arguments]
    code = subprocess.run(argv, cwd=launch.places.root, env=dict(env), stdin=subprocess.DEVNULL, check=False).returncode
    launch.progress.steps.append(("pytest", time.monotonic() - began))
    return code
