"""Finding PostgreSQL programs that can load PostGIS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .debian import Prefix
from .programs import on_path, run

PROGRAMS = ("postgres", "initdb", "pg_ctl", "psql")


@dataclass(frozen=True)
class Programs:
    """The folder with the server's programs, its major version, and the prefix it lies in (None: the system's)."""

    bin: Path
    major: int
    prefix: Prefix | None = None

    def env(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment to run them in."""
        env = {name: value for name, value in environ.items() if not name.startswith("PG")} | {"LC_ALL": "C.UTF-8"}
        if self.prefix:
            env["LD_LIBRARY_PATH"] = self.prefix.library_path
            env["PROJ_DATA"] = str(self.prefix.folder / "usr/share/proj")
        return env


def find_programs(prefix: Prefix, environ: Mapping[str, str]) -> list[Programs]:
    """Every usable set of programs, best first: PG_BINDIR, our prefix, the system's (highest version first)."""
    found: list[Programs] = []
    for folder, own in candidates(prefix, environ):
        if all((folder / name).exists() for name in PROGRAMS) and has_postgis(folder):
            programs = Programs(folder, 0, own)
            version = run([folder / "postgres", "--version"], env=programs.env(environ)).output
            if major := re.search(r"PostgreSQL\) (\d+)", version):
                found.append(Programs(folder, int(major[1]), own))
    return found


def candidates(prefix: Prefix, environ: Mapping[str, str]) -> Iterator[tuple[Path, Prefix | None]]:
    """Folders where the programs may be."""
    if environ.get("PG_BINDIR"):
        yield Path(environ["PG_BINDIR"]), None
    for base, own in (
        (prefix.folder / "usr/lib/postgresql", prefix),
        (Path("/usr/lib/postgresql"), None),
        (Path("/usr"), None),
    ):
        pattern = "pgsql-*/bin" if base == Path("/usr") else "*/bin"
        for folder in sorted(base.glob(pattern), key=version_in, reverse=True):
            yield folder, own
    if server := on_path("postgres", environ):
        yield server.resolve().parent, None


def version_in(folder: Path) -> float:
    """The version number in a path like …/postgresql/15/bin or …/pgsql-15/bin."""
    number = re.search(r"(\d+(?:\.\d+)?)$", folder.parent.name)
    return float(number[1]) if number else 0.0


def has_postgis(folder: Path) -> bool:
    """Whether the extension lies where this server looks: in the layouts of Debian, Red Hat and a source build."""
    version = folder.parent.name
    shares = [
        folder.parents[3] / "share/postgresql" / version if len(folder.parents) > 3 else folder,
        folder.parent / "share/postgresql",
        folder.parent / "share",
    ]
    return any((share / "extension/postgis.control").exists() for share in shares)


def link_control_files(prefix: Prefix) -> None:
    """Give extensions the name PostgreSQL asks for: Debian's packages make these links only when installed."""
    for control in prefix.folder.glob("usr/share/postgresql/*/extension/*-3.control"):
        link = control.with_name(control.name.replace("-3.control", ".control"))
        if not link.is_symlink():
            link.symlink_to(control.name)
