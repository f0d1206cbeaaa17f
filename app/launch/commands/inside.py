"""The commands that run inside the environment, over servers that are started for them where none run."""

from __future__ import annotations

from app.launch.context import Launch
from app.launch.prepare import build_screens, call_inside, load_district, migrate
from app.launch.services import DEMO

COMMANDS = {
    "bench": "measure; one JSON object a figure, exit 1 where one misses its goal",
    "shell": "a Python prompt with a unit of work and every model; rolled back on leaving",
    "story": "play the demo story",
    "import": "load a utility's own data: GeoPackage, Shapefile, GeoJSON, CSV",
}
WANT_DISTRICT = {"bench", "story"}


def run_inside(launch: Launch, name: str, arguments: list[str]) -> int:
    """Prepare what the command needs, and run it on this terminal."""
    launch.check_disk()
    launch.python.ready()
    services = launch.maker.services(DEMO, launch.environ)
    with launch.using(services):
        env = launch.product_env(services)
        migrate(launch, services, env)
        if name in WANT_DISTRICT:
            build_screens(launch, env)
            load_district(launch, services, env)
        return call_inside(launch, env, [name, *arguments])
