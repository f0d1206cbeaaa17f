"""Where things lie: sockets that fit into an address, state that the servers' account can reach, a secret kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.launch.accounts import server_account
from app.launch.places import SOCKET_FOLDER_LIMIT, Places, short_hash, socket_folder
from app.launch.report import Stop

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its servers another account")


def test_sockets_lie_beside_the_data_where_the_path_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = socket_folder(Path("s"), None)
    assert folder == Path("s/sockets")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_deep_checkout_gets_a_short_private_folder_for_its_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    folder = socket_folder(deep, None)
    try:
        assert len(str(folder)) <= SOCKET_FOLDER_LIMIT
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder != socket_folder(deep.parent / "other-deep-checkout-with-a-long-name-of-its-own-and-more", None)
    finally:
        for path in (deep, deep.parent / "other-deep-checkout-with-a-long-name-of-its-own-and-more"):
            socket_folder(path, None).rmdir()


def test_a_link_somebody_laid_in_place_of_the_socket_folder_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    target = socket_folder(home, None)
    target.rmdir()
    target.symlink_to(tmp_path / "elsewhere")
    try:
        with pytest.raises(Stop, match="belongs to someone else"):
            socket_folder(home, None)
    finally:
        target.unlink()


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    places = Places.of(tmp_path, {}, None)
    secret = places.secret_key()
    assert len(secret) >= 32
    assert places.secret_key() == secret
    assert (places.var / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_state_may_lie_elsewhere(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "checkout", {"LAMPLIGHTER_STATE": str(tmp_path / "state")}, None)
    assert places.venv == tmp_path / "state/venv"
    assert not places.relocated


@AS_ROOT
def test_data_move_out_of_a_folder_the_servers_account_may_not_enter(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    places = Places.of(hidden, {}, server_account())
    assert places.relocated
    assert places.services.name == f"lamplighter-{short_hash(places.var)}"
