"""Real servers of our own: they start from nothing, stop, and come back after being killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.launch.accounts import server_account
from app.launch.context import Launch
from app.launch.places import socket_folder
from app.launch.postgres import DATABASE, Cluster
from app.launch.postgres_programs import find_programs
from app.launch.processes import wait_gone
from app.launch.redis_server import RedisServer, find_redis, redis_env
from app.launch.report import Stop


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that the servers' account may enter, which pytest's own are not for root's."""
    folder = Path(tempfile.mkdtemp(prefix="lamplighter-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def launch() -> Launch:
    return Launch.here(os.environ)


@pytest.fixture(scope="module")
def cluster(launch: Launch, home: Path) -> Iterator[Cluster]:
    """A running cluster with fsync on: what it has committed has to outlive a kill."""
    found = find_programs(launch.maker.prefix("postgres"), launch.python.env)
    if not found:
        pytest.skip("no PostgreSQL programs: `python3 -m app test` fetches them")
    account = server_account()
    cluster = Cluster(home / "pg", socket_folder(home, account), found[0], account, os.environ)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def redis(launch: Launch, home: Path) -> Iterator[RedisServer]:
    prefix = launch.maker.prefix("redis")
    program = find_redis(prefix, launch.python.env)
    if not program:
        pytest.skip("no Redis program: `python3 -m app test` fetches one")
    account = server_account()
    env = redis_env(prefix, program, os.environ)
    server = RedisServer(home / "redis", socket_folder(home, account), program, account, env)
    server.start()
    yield server
    server.stop()


def postmaster(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split("\n")[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert wait_gone(pid, 10)


def test_a_new_cluster_has_the_database_with_postgis_and_listens_on_no_port(cluster: Cluster) -> None:
    assert cluster.is_running()
    assert cluster.query(DATABASE, "select st_astext(st_point(120, 30))") == "POINT(120 30)"
    assert cluster.query(DATABASE, "show listen_addresses") == ""
    assert cluster.query(DATABASE, "show server_encoding") == "UTF8"
    assert cluster.query(DATABASE, "show timezone") == "GMT"


def test_starting_twice_is_starting_once(cluster: Cluster) -> None:
    before = postmaster(cluster)
    cluster.start()
    assert postmaster(cluster) == before


def test_a_stopped_cluster_starts_again_with_its_data(cluster: Cluster) -> None:
    cluster.query(DATABASE, "create table kept as select 1 as one")
    cluster.stop()
    assert not cluster.is_running()
    cluster.start()
    assert cluster.query(DATABASE, "select one from kept") == "1"


def test_a_killed_cluster_comes_back_with_what_was_committed(cluster: Cluster) -> None:
    cluster.query(DATABASE, "create table survived as select 7 as seven")
    kill(postmaster(cluster))
    cluster.start()
    assert cluster.query(DATABASE, "select seven from survived") == "7"


def test_a_pid_file_whose_number_belongs_to_another_program_does_not_hinder(cluster: Cluster) -> None:
    cluster.stop()
    pid_file = cluster.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{cluster.data}\n")
    cluster.start()
    assert cluster.is_running()
    assert postmaster(cluster) != os.getpid()


def test_a_half_made_cluster_is_made_anew(cluster: Cluster, home: Path) -> None:
    half = replace(cluster, home=home / "half", sockets=socket_folder(home / "half", cluster.account), durable=False)
    (half.home / "data.new/base").mkdir(parents=True)
    try:
        half.start()
        assert half.query(DATABASE, "show fsync") == "off"
    finally:
        half.stop()


def test_a_cluster_that_cannot_start_says_what_its_log_says(cluster: Cluster, home: Path) -> None:
    broken = replace(cluster, home=home / "broken")
    broken.home.mkdir()
    subprocess.run(["cp", "-a", cluster.data, broken.data], check=True)
    (broken.data / "postmaster.pid").unlink()
    shutil.rmtree(broken.data / "global")
    with pytest.raises(Stop, match="did not start") as stop:
        broken.start()
    assert "global" in stop.value.text()


def test_redis_keeps_its_queue_through_a_kill(redis: RedisServer) -> None:
    redis.ask("RPUSH queue job")
    redis.ask("WAITAOF 1 0 1000")
    kill(redis.pid())
    assert not redis.is_running()
    redis.start()
    assert redis.ask("LLEN queue") == ":1\r\n"


def test_a_stopped_redis_is_gone(redis: RedisServer) -> None:
    redis.stop()
    assert not redis.is_running()
    redis.stop()
