"""The commands that run inside the environment, over servers that are started for them where none run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from app.launch.browser import browser_env
from app.launch.children import Address, children
from app.launch.commands.up import running, serving
from app.launch.context import Launch
from app.launch.ports import is_free
from app.launch.prepare import call_inside, prepared
from app.launch.report import Stop
from app.launch.supervisor import Supervisor

COMMANDS = {
    "bench": "measure; one JSON object a figure, exit 1 where one misses its goal",
    "shell": "a Python prompt with a unit of work and every model; rolled back on leaving",
    "story": "tell the main job against the running product (started for it where none runs)",
    "import": "load a utility's own data: GeoPackage, Shapefile, GeoJSON, CSV",
}
WANT_DISTRICT = {"bench", "story"}
WANT_PRODUCT = {"story"}
OWN_PORTS = range(8100, 8200, 2)  # for a product started for one command


def run_inside(launch: Launch, name: str, arguments: list[str]) -> int:
    """Prepare what the command needs, and run it on this terminal."""
    launch.check_disk()
    browsing = name == "bench" and drives_browser(arguments)  # Playwright is a package of the tests
    wants_district = name in WANT_DISTRICT
    with prepared(launch, dev=browsing, screens=wants_district, district=wants_district) as services:
        browser = find_browser(launch, wanted=bool(arguments)) if browsing else {}
        env = {**launch.product_env(services), **browser}
        if name not in WANT_PRODUCT:
            return call_inside(launch, env, [name, *arguments])
        with product(launch, env) as origin:
            return call_inside(launch, {**env, "PUBLIC_ORIGIN": origin}, [name, *arguments])


def drives_browser(benchmarks: list[str]) -> bool:
    """Whether one of these benchmarks needs a browser; all of them run where none is named."""
    return not benchmarks or any(name.partition(".")[0] == "browser" for name in benchmarks)


def find_browser(launch: Launch, *, wanted: bool) -> dict[str, str]:
    """The environment of browser benchmarks; nothing, with a line that says so, where others can run without.

    Raises:
        Stop: a browser benchmark was named (`wanted`), and there is no browser and no way to one.
    """
    try:
        return browser_env(launch.maker, launch.environ)
    except Stop as missing:
        if wanted:
            raise
        launch.progress.note(missing.text())
        return {}


@contextmanager
def product(launch: Launch, env: Mapping[str, str]) -> Iterator[str]:
    """The address of the running product, or of one started for the time of the block."""
    about = running(launch).about()
    if about:
        yield about["address"]
        return
    address = free_address()
    origin = address.origin(address.port)
    supervisor = Supervisor(
        children(launch.places.python, address), launch.places, {**env, **address.env()}, launch.progress
    )
    with running(launch).as_only_one(address=origin), serving(launch, supervisor, address):
        yield origin


def free_address() -> Address:
    """Two neighbouring free ports.

    Raises:
        Stop: every pair is taken.
    """
    for port in OWN_PORTS:
        if is_free(port) and is_free(port + 1):
            return Address("127.0.0.1", port)
    raise Stop(
        f"{OWN_PORTS.start}–{OWN_PORTS.stop} 没有空闲端口：先执行 python3 -m app up --port N 再试。",
        f"No free ports in {OWN_PORTS.start}–{OWN_PORTS.stop}: run `python3 -m app up --port N` first.",
    )
