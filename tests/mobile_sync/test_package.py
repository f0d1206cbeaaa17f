"""`mobile_sync` on its own: built as a package, installed without anything else, used by a reading list."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ENGINE = HERE.parents[1] / "mobile_sync"
BUILD = "from setuptools import build_meta; print(build_meta.build_wheel('..'))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built by its own pyproject.toml and unpacked, which is all that installing a pure wheel is."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ENGINE, folder / "source", ignore=shutil.ignore_patterns("client", "__pycache__"))
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", BUILD], cwd=folder / "source", check=True, capture_output=True, text=True
    )
    with zipfile.ZipFile(folder / told.stdout.split()[-1]) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str, **more: str) -> list[Any]:
    """A command of the installed package, with no other package in sight; its JSON lines."""
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-S", "-m", "mobile_sync", *arguments],
        env={"PYTHONPATH": str(installed), "PATH": os.environ["PATH"], **more},
        cwd=installed,
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.returncode in (0, 1), told.stderr
    return [json.loads(line) if line.startswith("{") else line for line in told.stdout.splitlines()]


def test_the_package_brings_its_protocol_and_its_proof(installed: Path) -> None:
    assert (installed / "mobile_sync" / "SPEC.md").read_text("utf-8") == (ENGINE / "SPEC.md").read_text("utf-8")
    assert not (installed / "app").exists()
    (line,) = run(installed, "simulate", "--seeds", "3")
    assert line.startswith("store=memory seeds=3 ")
    assert line.endswith("failures=[none]")


@pytest.fixture
def library(installed: Path) -> Iterator[str]:
    """The reading list, served by the installed package alone."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-S", str(HERE / "reading_list.py"), "0"],
        env={"PYTHONPATH": str(installed)},
        cwd=installed,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait()
    process.stdout.close()


def test_two_readers_share_a_list(installed: Path, library: str, tmp_path: Path) -> None:
    def reader(name: str, *lines: dict[str, Any]) -> Sequence[Any]:
        state = ["--state", str(tmp_path / name)]
        run(installed, "enrol", *state, "--server", library, MOBILE_SYNC_TOKEN=name)
        given = tmp_path / f"{name}.jsonl"
        given.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        run(installed, "record", *state, str(given))
        run(installed, "sync", *state)
        return run(installed, "export", *state)

    book = {"entity": "book", "rec_id": "00000000-0000-4000-8000-000000000001"}
    (made,) = reader(
        "ann", {**book, "kind": "create", "fields": {"title": "Middlemarch", "readers": ["ann"], "page": 3}}
    )
    assert made["doc"]["title"] == "Middlemarch"
    reader("bob")
    reader("ann", {**book, "kind": "update", "fields": {"page": 90, "title": "Middlemarch!"}})
    (seen,) = reader(
        "bob",
        {**book, "kind": "update", "fields": {"page": 40, "readers": ["ann", "bob"], "title": "Middle March"}},
        {"entity": "book", "kind": "create", "fields": {"title": ""}},
    )
    assert seen["doc"] == {"title": "Middlemarch!", "readers": ["ann", "bob"], "page": 90}
    told = run(installed, "results", "--state", str(tmp_path / "bob"))
    assert [line["result"]["status"] for line in told] == ["conflict", "rejected"]


def test_the_sample_is_as_short_as_it_is_promised() -> None:
    written = (HERE / "reading_list.py").read_text("utf-8").splitlines()
    assert sum(bool(line.strip()) for line in written) <= 60
