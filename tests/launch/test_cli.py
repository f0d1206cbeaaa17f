"""The commands as a person types them: one clear sentence, an exit code, never a traceback."""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.launch.python_env import LOCKS
from app.launch.report import Stop
from app.launch.services import check_foreign
from app.web.node import NODE_WHEEL

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder that the servers' account may enter, as a checkout's usually is."""
    folder = Path(tempfile.mkdtemp(prefix="lamplighter-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def typed(*arguments: str, state: Path, **env: str) -> subprocess.CompletedProcess[str]:
    settings = {"PATH": os.environ["PATH"], "HOME": str(state), "LAMPLIGHTER_STATE": str(state), **env}
    argv = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(
        argv, cwd=ROOT, env=settings, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def test_a_taken_port_is_reported_before_anything_is_fetched(state: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        said = typed("up", "--port", str(port), state=state)
    assert said.returncode == 1
    assert f"Port {port} is taken" in said.stderr
    assert "Traceback" not in said.stderr
    assert not (state / "venv").exists()


def test_the_port_of_the_stream_is_looked_at_too(state: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        said = typed("up", "--port", str(port - 1), state=state)
    assert said.returncode == 1
    assert f"Port {port} is taken" in said.stderr
    assert f"端口 {port} 已被占用" in said.stderr


LENT = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
PRIVATE_MOUNTS = ["unshare", *LENT, "--mount", "sh", "-c"]


def test_a_full_disk_is_one_sentence_before_anything_is_fetched(state: Path) -> None:
    """A file system of 8 MiB, seen by this one process."""
    if subprocess.run([*PRIVATE_MOUNTS, f"mount -t tmpfs none {state}"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of his own")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    up = f"mount -t tmpfs -o size=8m,mode=755 none {state} && exec {sys.executable} -m app up --port {port}"
    env = {**os.environ, "LAMPLIGHTER_STATE": str(state)}
    said = subprocess.run([*PRIVATE_MOUNTS, up], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "The disk is full: free some space" in said.stderr
    assert "磁盘已满" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_missing_network_is_one_sentence(state: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    said = typed("shell", state=state, PIP_CONFIG_FILE=os.devnull, PIP_RETRIES="0", **nowhere)
    assert said.returncode == 1
    assert "cannot be reached" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_named_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(Stop, match=r"DATABASE_URL names 127\.0\.0\.1:9/x, which does not answer"):
        check_foreign("DATABASE_URL", "postgresql://app:secret@127.0.0.1:9/x", 5432)
    check_foreign("REDIS_URL", "unix:///run/redis.sock?db=0", 6379)


def test_nothing_is_deleted_without_being_asked(state: Path) -> None:
    (state / "blobs").mkdir()
    said = typed("wipe", state=state)
    assert said.returncode == 1
    assert "--yes" in said.stderr
    assert (state / "blobs").exists()


def test_wipe_deletes_data_and_keeps_programs(state: Path) -> None:
    for name in ("blobs", "embedded/pg", "tools"):
        (state / name).mkdir(parents=True)
    assert typed("wipe", "--yes", state=state).returncode == 0
    assert not (state / "blobs").exists()
    assert not (state / "embedded/pg").exists()
    assert (state / "tools").exists()


def test_down_with_nothing_running_is_no_error(state: Path) -> None:
    said = typed("down", state=state)
    assert said.returncode == 0
    assert "nothing was running" in said.stderr


def test_doctor_says_what_is_missing_and_that_up_will_fetch_it(state: Path) -> None:
    said = typed("doctor", "--port", "0", state=state)
    assert "python" in said.stdout
    assert "· packages" in said.stdout
    assert "up installs them" in said.stdout


def test_an_unknown_command_names_the_known_ones(state: Path) -> None:
    said = typed("launch", state=state)
    assert said.returncode == 2
    assert "'doctor'" in said.stderr


def test_an_old_interpreter_is_told_so_in_one_sentence() -> None:
    pretend = "import sys; sys.version_info = (3, 9, 2); import app.__main__ as program; sys.exit(program.main())"
    said = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr.startswith("Python 3.9 is too old: Lamplighter needs 3.11 or newer")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["app/__init__.py", "app/__main__.py"])
def test_an_old_interpreter_can_read_what_comes_before_that_sentence(name: str) -> None:
    assert ast.parse((ROOT / name).read_text(), feature_version=(3, 4)).body


def test_the_launcher_needs_no_library() -> None:
    loading = (
        "import app.launch.cli, sys; print([name for name in sys.modules if 'site-packages' in str(sys.modules[name])])"
    )
    said = subprocess.run([sys.executable, "-S", "-c", loading], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout.strip()) == (0, "[]"), said.stderr


def locks() -> list[Path]:
    return [ROOT / "requirements.txt", ROOT / "requirements-dev.txt", *sorted(LOCKS.glob("*.txt"))]


@pytest.mark.parametrize("lock", locks(), ids=lambda path: path.name)
def test_every_package_is_pinned_with_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text()
    pinned = re.findall(
        r"^[a-z0-9][^ =]*==[^ ]+.*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+", text, re.MULTILINE
    )
    assert pinned
    assert len(pinned) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
    assert "://" not in text


def test_the_lock_and_the_screens_name_the_same_node() -> None:
    assert NODE_WHEEL in (LOCKS / "node.txt").read_text()


def test_packages_shared_by_both_locks_have_one_version() -> None:
    product, dev = (
        dict(re.findall(r"^([a-z0-9][^ =]*)==([^ ]+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert product.items() <= dev.items()
