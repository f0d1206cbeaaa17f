"""The README names every setting that the program reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import launch
from app.launch.children import QUEUES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SETTING = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bCHROMIUM\b")


def settings() -> set[str]:
    """Those of the application, read from its one place, and those of the launcher, from its own list."""
    configured = re.findall(r'env(?:\.get\(|, )"([A-Z_]+)"', (ROOT / "app/config.py").read_text("utf-8"))
    listed = (launch.__doc__ or "").partition("Variables it reads besides:")[2].partition("\n\n")[0]
    return {*configured, *SETTING.findall(listed)}


@pytest.mark.parametrize("name", sorted(settings()))
def test_the_readme_names_the_setting(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("queue", QUEUES)
def test_the_readme_and_the_containers_have_a_worker_for_each_queue(queue: str) -> None:
    assert f"`python -m app.worker {queue}`" in README
    assert f"[python, -m, app.worker, {queue}]" in (ROOT / "compose.yaml").read_text("utf-8")


def test_the_settings_are_found() -> None:
    assert {"DATABASE_URL", "SECRET_KEY", "DB_POOL_SIZE", "LAMPLIGHTER_STATE", "PG_BINDIR", "CHROMIUM"} <= settings()
