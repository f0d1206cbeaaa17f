"""The house rules that no linter knows, checked on the syntax tree of every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app"
LONGEST_MODULE = 400
LONGEST_FUNCTION = 45
ROOMS = (
    "identity",
    "customers",
    "staff",
    "streets",
    "network",
    "grid",
    "media",
    "crews",
    "demands",
    "jobs",
    "outages",
    "reliability",
    "dispatch",
    "conflicts",
    "fleet",
)
MODULES = sorted(
    path for base in (APP, ROOT / "mobile_sync") for path in base.rglob("*.py") if "node_modules" not in path.parts
)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(module: ast.Module, attribute: str) -> Iterator[ast.Call]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute:
            yield node


def in_rooms(name: str) -> list[Path]:
    return [path for room in ROOMS for path in (APP / room).rglob(name)]


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path.relative_to(ROOT)) for path in MODULES if not ast.get_docstring(tree(path))]
    assert silent == []


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > LONGEST_FUNCTION:
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def test_no_module_or_function_is_too_long_to_read_at_once() -> None:
    long = [str(path.relative_to(ROOT)) for path in MODULES if path.read_text("utf-8").count("\n") > LONGEST_MODULE]
    long += [found for path in MODULES for found in long_functions(path)]
    assert long == []


def test_nobody_commits_but_the_unit_of_work() -> None:
    committing = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for room in ROOMS
        for path in (APP / room).rglob("*.py")
        for call in calls(tree(path), "commit")
    ]
    assert committing == []


def test_reads_stand_in_queries_only() -> None:
    strays = []
    for path in (path for room in ROOMS for path in (APP / room).rglob("*.py")):
        if path.stem == "queries" or path.parent.name == "queries":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy":
                strays += [f"{path.relative_to(ROOT)}:{node.lineno}" for name in node.names if name.name == "select"]
    assert strays == []


@pytest.mark.parametrize("name", ["service.py"])
def test_every_verb_takes_the_unit_of_work_first(name: str) -> None:
    others = []
    for path in in_rooms(name):
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                first = node.args.args[0].arg if node.args.args else None
                if first != "uow":
                    others.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert others == []


def closed_sets(room: str) -> set[str]:
    """The names of a room's enums: values that others may speak."""
    return {
        node.name
        for node in tree(APP / room / "models.py").body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "StrEnum" for base in node.bases)
    }


def foreign_tables(path: Path, room: str) -> Iterator[str]:
    for node in tree(path).body:  # imports under TYPE_CHECKING stand deeper and are meant for types
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").endswith(".models"):
            continue
        other = (node.module or "").split(".")[1]
        if other in ROOMS and other != room:
            names = {name.name for name in node.names} - closed_sets(other)
            yield from (f"{path.relative_to(ROOT)}:{node.lineno} {other}.{name}" for name in sorted(names))


def test_a_room_writes_only_its_own_tables_and_joins_others_only_in_its_queries() -> None:
    strays = [
        found
        for room in ROOMS
        for path in (APP / room).rglob("*.py")
        if path.stem != "queries" and path.parent.name != "queries"
        for found in foreign_tables(path, room)
    ]
    assert strays == []


def test_no_file_is_large() -> None:
    large = [
        str(path.relative_to(ROOT))
        for base in ("app", "mobile_sync", "tests", "migrations", "fixtures")
        for path in (ROOT / base).rglob("*")
        if path.is_file()
        and not {"node_modules", "static", "__pycache__"} & set(path.parts)
        and path.stat().st_size > 2_500_000
    ]
    assert large == []


def test_each_decision_has_a_number_of_its_own() -> None:
    files = sorted((APP / "decisions").glob("*.md"))
    assert [file.name[:4] for file in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [file.read_text("utf-8").split()[1] for file in files] == [
        f"{number}." for number in range(1, len(files) + 1)
    ]
