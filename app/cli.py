"""Commands that need the libraries: run by the launcher, or by hand as `var/venv/bin/python -m app.cli COMMAND`."""

from __future__ import annotations

import code
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from requests import ConnectionError
from sqlalchemy import select

from app import tables
from app.config import Settings, SettingsError
from app.district.load import AlreadyLoaded, demo_logins, load_district
from app.factory import build_runtime
from app.kernel import migrate
from app.kernel.actor import SYSTEM
from app.kernel.clock import utc_now
from app.kernel.db import Model
from app.kernel.net import RoleMissing
from app.kernel.unit_of_work import Runtime
from app.story.desk import Refused
from app.story.told import Broken, tell

SHANGHAI = ZoneInfo("Asia/Shanghai")


def runtime_from_env() -> Runtime:
    """The runtime of this process; a missing setting ends it with one sentence."""
    try:
        return build_runtime(Settings.from_env(os.environ))
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@click.group()
def cli() -> None:
    """Lamplighter's commands."""


@cli.command("migrate")
def migrate_() -> None:
    """Bring the database to the newest version."""
    try:
        migrate.upgrade(runtime_from_env().engine)
    except RoleMissing as error:
        raise click.ClickException(str(error)) from error


@cli.command()
@click.option("--size", type=click.Choice(["tiny", "demo", "load"]), default="demo")
@click.option("--seed", type=int, default=20260716, help="The same seed makes the same district.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="When the demo's day begins; now when left out.")
def load_demo(size: str, seed: int, at: datetime | None) -> None:
    """Load the synthetic Longheng district into an empty database."""
    runtime = runtime_from_env()
    anchor = (at.replace(tzinfo=SHANGHAI) if at else utc_now().astimezone(SHANGHAI)).replace(second=0, microsecond=0)
    try:
        counts = load_district(
            runtime.engine,
            size=size,
            seed=seed,
            anchor=anchor,
            blobs=runtime.blobs,
            progress=lambda line: click.echo(line, err=True),
        )
    except AlreadyLoaded:
        click.echo("the district is already loaded", err=True)
        return
    click.echo(json.dumps(counts, default=str))


@cli.command("demo-logins")
def demo_logins_() -> None:
    """Print the demo's logins as JSON lines; nothing where no synthetic branch is loaded."""
    with build_runtime(Settings.from_env(os.environ)).unit_of_work(SYSTEM) as uow:
        for login in demo_logins(uow.session):
            click.echo(json.dumps(login, ensure_ascii=False))


@cli.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--branch", required=True, help="Code of the branch; made when it does not exist.")
@click.option("--mapping", type=click.Path(exists=True, path_type=Path), help="Which layer and column means what.")
@click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")
@click.option("--report", type=click.Path(path_type=Path), help="Where to write the rows that were refused (CSV).")
def import_(source: Path, branch: str, mapping: Path | None, dry_run: bool, report: Path | None) -> None:
    """Import premises, network and streets from GeoPackage, Shapefile, GeoJSON, CSV or OpenStreetMap (.osm.pbf)."""
    from app.imports.command import import_layers  # geometry libraries load when they are needed
    from app.imports.mapping import BadMapping

    try:
        outcome = import_layers(
            runtime_from_env(), source, branch_code=branch, mapping=mapping, dry_run=dry_run, report=report
        )
    except BadMapping as error:
        raise click.ClickException(str(error)) from error
    click.echo(outcome.summary())
    sys.exit(1 if outcome.refused else 0)


@cli.command()
@click.argument("names", nargs=-1)
def bench(names: tuple[str, ...]) -> None:
    """Print figures: one JSON object each on stdout, a table on stderr; exit 1 where a goal is missed."""
    from app.bench.run import run_benchmarks  # builds applications of its own

    sys.exit(run_benchmarks(runtime_from_env(), names))


@cli.command()
@click.option("--origin", default=lambda: os.environ.get("PUBLIC_ORIGIN", "http://127.0.0.1:8000"), show_default=True)
def story(origin: str) -> None:
    """Tell the main job against the running product, step by step; exit 1 where it goes wrong."""
    with runtime_from_env().unit_of_work(SYSTEM) as uow:
        password = next((login["password"] for login in demo_logins(uow.session)), None)
    if password is None:
        raise click.ClickException("the story needs the demo district: run `python3 -m app up` first")
    try:
        for step in tell(origin, password):
            click.echo(f"✓ {step.says}: {step.seen}")
    except (Broken, Refused, ConnectionError) as error:
        click.echo(f"✗ {error}")
        sys.exit(1)


@cli.command()
def shell() -> None:
    """A prompt with a unit of work, every table and `select`; rolled back on leaving."""
    runtime = runtime_from_env()
    models = {mapper.class_.__name__: mapper.class_ for mapper in Model.registry.mappers}
    with runtime.sessions() as session:
        banner = (
            f"session, select, runtime and {len(models)} tables ({len(tables.ALL_METADATA)} schemas). Nothing is kept."
        )
        code.interact(banner=banner, local={"session": session, "select": select, "runtime": runtime, **models})
        session.rollback()


if __name__ == "__main__":
    cli()
