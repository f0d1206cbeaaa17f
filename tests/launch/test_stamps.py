"""Stamps: a second start does nothing that is done already, and notices what has changed."""

from __future__ import annotations

from pathlib import Path

from app.launch.stamps import Stamp, digest


def test_a_digest_changes_with_content_and_with_a_new_file(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "a.py").write_text("1")
    first = digest([source])
    assert digest([source]) == first
    (source / "a.py").write_text("2")
    second = digest([source])
    (source / "b.py").write_text("")
    assert len({first, second, digest([source])}) == 3


def test_a_digest_does_not_see_what_builds_leave_behind(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.ts").write_text("1")
    before = digest([tmp_path / "src"])
    for name in ("node_modules", "__pycache__"):
        (tmp_path / "src" / name).mkdir()
        (tmp_path / "src" / name / "x").write_text("noise")
    assert digest([tmp_path / "src"]) == before


def test_a_digest_knows_for_which_interpreter_it_was(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("flask")
    assert digest([tmp_path / "lock"], "3.11") != digest([tmp_path / "lock"], "3.12")


def test_a_stamp_holds_for_exactly_what_it_was_written_for(tmp_path: Path) -> None:
    stamp = Stamp(tmp_path / "deep" / "stamp")
    assert not stamp.matches("a")
    stamp.write("a")
    assert stamp.matches("a")
    assert not stamp.matches("b")
    stamp.clear()
    assert not stamp.matches("a")
