"""Building the screens: which Node will do, when nothing needs doing, what stops a build."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from app.web import build
from app.web.budget import Figure, desk_figures, over_budget
from app.web.node import BuildFailed, is_new_enough, run
from app.web.words import missing_words


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ("v20.19.0\n", True),
        ("v20.18.3", False),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.19.0", True),
        ("v18.20.0", False),
        ("not a version", False),
    ],
)
def test_node_must_be_one_that_vite_runs_on(version: str, good: bool) -> None:
    assert is_new_enough(version) is good


def test_a_failed_step_says_what_it_ran_and_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="exit 3") as failed:
        run([sys.executable, "-c", "print('because of this'); raise SystemExit(3)"], tmp_path, quiet=True)
    assert "because of this" in str(failed.value)


def words(folder: Path, app: str, chinese: object, english: object) -> None:
    (folder / app / "i18n").mkdir(parents=True)
    for language, content in (("zh-CN", chinese), ("en", english)):
        (folder / app / "i18n" / f"{language}.json").write_text(json.dumps(content), "utf-8")


def test_the_screens_speak_both_languages_completely() -> None:
    assert missing_words() == []


def test_a_word_that_one_language_lacks_is_named(tmp_path: Path) -> None:
    words(tmp_path, "desk", {"tray": {"all": "全部", "late": "超时"}}, {"tray": {"all": "All", "old": " "}})
    assert missing_words(tmp_path) == [
        "desk: `tray.late` is missing in en.json",
        "desk: `tray.old` is missing in zh-CN.json",
        "desk: `tray.old` is empty in en.json",
    ]


def test_an_app_does_not_hide_the_common_words(tmp_path: Path) -> None:
    words(tmp_path, "shared", {"job": {"a": "甲"}}, {"job": {"a": "A"}})
    words(tmp_path, "crew", {"job": {"b": "乙"}}, {"job": {"b": "B"}})
    assert missing_words(tmp_path) == ["crew: `job` is already a group of words in shared"]


def test_the_map_is_weighed_apart_from_the_first_screen(tmp_path: Path) -> None:
    manifest = {
        "desk.html": {"file": "assets/desk.js", "css": ["assets/desk.css"], "imports": ["_vue.js"]},
        "_vue.js": {"file": "assets/vue.js"},
        "src/desk/map/engine.ts": {"file": "assets/engine.js", "imports": ["_vue.js"]},
    }
    (tmp_path / ".vite").mkdir()
    (tmp_path / ".vite" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "assets").mkdir()
    for name in ("desk.js", "desk.css", "vue.js", "engine.js", "maplibre-gl-worker-1.js"):
        (tmp_path / "assets" / name).write_text("")
        (tmp_path / "assets" / f"{name}.gz").write_bytes(b"x" * 1024)
    first, chunk, worker = (figure.kib for figure in desk_figures(tmp_path))
    assert (first, chunk, worker) == (3.0, 1.0, 1.0)


def test_a_size_over_its_limit_is_found() -> None:
    assert over_budget([Figure("small", 1, 2), Figure("big", 3, 2)]) == [Figure("big", 3, 2)]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with one source, built and stamped."""
    source, output = tmp_path / "src", tmp_path / "ui"
    source.mkdir()
    (source / "main.ts").write_text("1")
    for name in build.APPS:
        (output / name).mkdir(parents=True)
        (output / name / f"{name}.html").write_text("")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "OUTPUT", output)
    monkeypatch.setattr(build, "STAMP", output / "stamp.json")
    monkeypatch.setattr(build, "sources", lambda: iter(sorted(source.rglob("*.ts"))))
    build.STAMP.write_text(json.dumps({"sources": build.digest(build.sources())}))
    return tmp_path


@pytest.mark.usefixtures("built")
def test_an_unchanged_tree_is_not_built_again() -> None:
    said: list[str] = []
    build.build(said.append)
    assert said == ["the screens are up to date"]


def test_a_changed_a_moved_and_a_lost_file_each_ask_for_a_build(built: Path) -> None:
    main = built / "src" / "main.ts"
    main.write_text("2")
    assert not build.is_current()
    main.write_text("1")
    assert build.is_current()
    main.rename(main.with_name("other.ts"))
    assert not build.is_current()
    main.with_name("other.ts").rename(main)
    (built / "ui" / "crew" / "crew.html").unlink()
    assert not build.is_current()


@pytest.mark.usefixtures("built")
def test_a_damaged_stamp_asks_for_a_build() -> None:
    build.STAMP.write_text("{")
    assert not build.is_current()


def test_compressed_copies_hold_the_same_bytes() -> None:
    script = next(build.OUTPUT.glob("desk/assets/desk-*.js"), None)
    if script is None:
        pytest.skip("the screens are not built here")
    assert gzip.decompress(script.with_name(f"{script.name}.gz").read_bytes()) == script.read_bytes()
