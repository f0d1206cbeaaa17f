"""Which Debian packages are fetched, from recorded and from small texts of `apt-cache depends`."""

from __future__ import annotations

import re
from pathlib import Path

from app.launch.closure import closure, parse_depends
from app.launch.debian import numbers
from app.launch.services import SERVER_SKIP

RECORDED = Path(__file__).parent / "apt_cache_depends_debian12.txt"
BARE_SYSTEM = set((Path(__file__).parent / "debian12_minbase.txt").read_text().split())
NOTHING = re.compile(r"(?!)")


def packages(text: str, *wanted: str, installed: set[str] | None = None, skip: re.Pattern[str] = NOTHING) -> list[str]:
    return closure(parse_depends(text), wanted, installed=installed or set(), skip=skip)


def test_dependencies_are_followed_to_the_end() -> None:
    assert packages("a\n  Depends: b\nb\n  PreDepends: c\nc\n", "a") == ["a", "b", "c"]


def test_an_installed_package_is_not_fetched_and_not_followed() -> None:
    assert packages("a\n  Depends: b\nb\n  Depends: c\nc\n", "a", installed={"b"}) == ["a"]


def test_what_was_asked_for_is_fetched_even_when_installed() -> None:
    assert packages("a\n  Depends: b\nb\n", "a", installed={"a"}) == ["a", "b"]


def test_of_several_ways_the_first_is_taken() -> None:
    assert packages("a\n |Depends: b\n  Depends: c\n  Depends: d\nb\nc\nd\n", "a") == ["a", "b", "d"]


def test_a_dependency_is_met_when_any_way_is_installed() -> None:
    assert packages("a\n |Depends: b\n  Depends: c\nb\nc\n", "a", installed={"c"}) == ["a"]


def test_a_virtual_package_stands_for_its_first_provider() -> None:
    graph = "a\n  Depends: <mail>\n    postfix\n    exim\n<mail>\npostfix\nexim\n"
    assert packages(graph, "a") == ["a", "postfix"]
    assert packages(graph, "a", installed={"exim"}) == ["a"]


def test_a_circle_ends() -> None:
    assert packages("a\n  Depends: b\nb\n  Depends: a\n", "a") == ["a", "b"]


def test_architectures_do_not_hide_a_package() -> None:
    assert packages("a\n  Depends: python3:any\npython3\n", "a", installed={"python3"}) == ["a"]


def test_debian_12_needs_some_forty_packages_and_none_of_the_heavy_ones() -> None:
    wanted = ("postgresql-15-postgis-3", "postgresql-15", "postgresql-client-15", "redis-server")
    names = packages(RECORDED.read_text(), *wanted, installed=BARE_SYSTEM, skip=SERVER_SKIP)
    assert {*wanted, "libgeos-c1v5", "libproj25", "proj-data", "libpq5", "libjemalloc2"} <= set(names)
    assert not [name for name in names if re.match(r"libgdal|libllvm|perl|postgresql-common|locales", name)]
    assert len(names) < 60


def test_the_newest_server_is_the_one_with_the_highest_number() -> None:
    assert max(["postgresql-9-postgis-3", "postgresql-17-postgis-3", "postgresql-15-postgis-3"], key=numbers) == (
        "postgresql-17-postgis-3"
    )
