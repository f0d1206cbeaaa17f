"""The machine's mirrors and certificates reach every program that fetches."""

from __future__ import annotations

from pathlib import Path

from app.launch.registries import fetching, pip_settings

MIRROR = "https://mirror.example/simple"


def config(folder: Path, text: str) -> Path:
    file = folder / "pip.conf"
    file.write_text(text)
    return file


def test_pips_mirror_and_authority_become_uvs_and_nodes(tmp_path: Path) -> None:
    file = config(tmp_path, f"[global]\nindex-url = {MIRROR}\ncert = /ca.pem\n")
    env = fetching({"HOME": "/home/x"}, [file], None)
    assert env["UV_DEFAULT_INDEX"] == MIRROR
    assert {env[name] for name in ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")} == {"/ca.pem"}
    assert env["HOME"] == "/home/x"


def test_what_the_caller_says_wins(tmp_path: Path) -> None:
    file = config(tmp_path, f"[global]\nindex-url = {MIRROR}\ncert = /ca.pem\n")
    said = {"UV_DEFAULT_INDEX": "https://other.example/", "PIP_CERT": "/mine.pem"}
    env = fetching(said, [file], Path("/system.pem"))
    assert (env["UV_DEFAULT_INDEX"], env["PIP_CERT"]) == ("https://other.example/", "/mine.pem")


def test_variables_win_over_files_and_later_files_over_earlier(tmp_path: Path) -> None:
    file = config(
        tmp_path, "[global]\nindex-url = https://file.example/\n[install]\nindex-url = https://later.example/\n"
    )
    assert pip_settings({}, [file])["index-url"] == "https://later.example/"
    assert pip_settings({"PIP_INDEX_URL": MIRROR}, [file])["index-url"] == MIRROR


def test_a_folder_that_is_not_there_is_not_handed_on(tmp_path: Path) -> None:
    env = fetching({"PIP_FIND_LINKS": f"{tmp_path} /not/there", "PIP_EXTRA_INDEX_URL": "file:///not/there"}, [], None)
    assert env["UV_FIND_LINKS"] == str(tmp_path)
    assert "UV_INDEX" not in env


def test_without_any_settings_the_systems_authorities_are_used() -> None:
    assert fetching({}, [], Path("/system.pem"))["SSL_CERT_FILE"] == "/system.pem"
    assert "UV_DEFAULT_INDEX" not in fetching({}, [], None)
