"""Which benchmarks a name stands for, and where the launcher's figures are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.bench.run import BENCHMARKS, chosen
from app.bench.start import state_folder


def test_no_name_stands_for_every_benchmark() -> None:
    assert chosen([]) == list(BENCHMARKS)


def test_a_name_stands_for_what_follows_it_after_a_dot() -> None:
    browser = [name for name in BENCHMARKS if name.startswith("browser.")]
    assert len(browser) > 1
    assert chosen(["browser", "tiles", "browser.map"]) == [*browser, "tiles"]


def test_a_name_that_is_no_benchmark_is_refused() -> None:
    with pytest.raises(KeyError, match="brows"):
        chosen(["brows"])


def test_figures_of_another_state_folder_are_found(tmp_path: Path) -> None:
    assert state_folder({"LAMPLIGHTER_STATE": str(tmp_path)}) == tmp_path
    assert state_folder({}).name == "var"
