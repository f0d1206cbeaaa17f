"""Which versions of foreign programs will do, and where they are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.launch.debian import Prefix
from app.launch.node import new_enough
from app.launch.postgres import data_version
from app.launch.postgres_programs import PROGRAMS, Programs, find_programs, has_postgis, link_control_files
from app.launch.python_env import OLDEST_UV, uv_version
from app.launch.report import Stop
from app.launch.services import pick


@pytest.mark.parametrize(
    ("said", "will_do"),
    [
        ("v18.20.4", False),
        ("v20.18.1", False),
        ("v20.19.0", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.19.0", True),
        ("", False),
        ("node: not found", False),
    ],
)
def test_node_is_taken_where_vite_and_vitest_run_on_it(said: str, *, will_do: bool) -> None:
    assert new_enough(said) is will_do


def test_an_old_uv_is_not_taken() -> None:
    assert uv_version("uv 0.13.9 (abc 2026-01-01)") >= OLDEST_UV
    assert uv_version("uv 0.4.30") < OLDEST_UV
    assert uv_version("command not found") < OLDEST_UV


def given_server(prefix: Path, version: int, *, with_postgis: bool) -> Path:
    """A Debian layout with programs that only know their version."""
    programs = prefix / f"usr/lib/postgresql/{version}/bin"
    programs.mkdir(parents=True)
    for name in PROGRAMS:
        (programs / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.4 (Debian)'\n")
        (programs / name).chmod(0o755)
    if with_postgis:
        extension = prefix / f"usr/share/postgresql/{version}/extension"
        extension.mkdir(parents=True)
        (extension / "postgis-3.control").write_text("")
        link_control_files(Prefix(prefix))
    return programs


def test_the_highest_server_with_postgis_is_taken_and_one_without_is_not(tmp_path: Path) -> None:
    given_server(tmp_path, 15, with_postgis=True)
    given_server(tmp_path, 16, with_postgis=True)
    bare = given_server(tmp_path, 17, with_postgis=False)
    assert not has_postgis(bare)
    ours = [found for found in find_programs(Prefix(tmp_path), {"PATH": ""}) if found.prefix]
    assert [found.major for found in ours] == [16, 15]


def test_a_named_folder_comes_first(tmp_path: Path) -> None:
    given_server(tmp_path / "own", 17, with_postgis=True)
    named = given_server(tmp_path / "named", 15, with_postgis=True)
    found = find_programs(Prefix(tmp_path / "own"), {"PATH": "", "PG_BINDIR": str(named)})
    assert (found[0].bin, found[0].major) == (named, 15)


def test_data_are_served_by_the_version_that_made_them(tmp_path: Path) -> None:
    offered = [Programs(tmp_path, 17), Programs(tmp_path, 15)]
    (tmp_path / "PG_VERSION").write_text("15\n")
    assert pick(offered, tmp_path).major == 15
    assert pick(offered, tmp_path / "none").major == 17


def test_data_of_a_missing_version_are_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("14\n")
    with pytest.raises(Stop, match="belongs to PostgreSQL 14, here is 15, 17") as stop:
        pick([Programs(tmp_path, 17), Programs(tmp_path, 15)], tmp_path)
    assert "PostgreSQL 14" in stop.value.zh
    assert data_version(tmp_path) == 14
