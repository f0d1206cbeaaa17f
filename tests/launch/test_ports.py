"""A taken port is named together with its holder."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from app.launch.children import Address
from app.launch.ports import check_port, listening
from app.launch.report import Stop


def test_a_taken_port_is_named_with_who_holds_it() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(Stop, match=f"Port {port} is taken") as stop:
            check_port("127.0.0.1", port)
    assert str(os.getpid()) in stop.value.en
    assert "--port" in stop.value.zh


def test_a_free_port_is_accepted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_port("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("192.0.2.1", 8000)], ids=["number", "address"])
def test_an_impossible_address_is_explained(host: str, port: int) -> None:
    with pytest.raises(Stop, match="Cannot listen on"):
        check_port(host, port)


def test_only_listening_sockets_of_that_port_count(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(
        "  sl  local_address rem_address   st tx rx tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F40 00000000:0000 0A 0:0 0:0 0 0 0 111 1\n"
        "   1: 0100007F:1F40 0100007F:D431 01 0:0 0:0 0 0 0 222 1\n"
        "   2: 0100007F:1F41 00000000:0000 0A 0:0 0:0 0 0 0 333 1\n"
    )
    assert listening(table, 8000) == ["socket:[111]"]
    assert listening(tmp_path / "missing", 8000) == []


@pytest.mark.parametrize(
    ("host", "origin"), [("127.0.0.1", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")], ids=["IPv4", "IPv6"]
)
def test_the_product_learns_where_browsers_reach_it(host: str, origin: str) -> None:
    address = Address.listening_on(host, 8000)
    assert address.env() == {"PUBLIC_ORIGIN": origin, "STREAM_ORIGIN": origin.replace("8000", "8001")}


def test_listening_everywhere_is_shown_as_an_address_that_others_can_type() -> None:
    address = Address.listening_on("::", 8000)
    assert address.host == "::"
    assert re.fullmatch(r"http://\d+\.\d+\.\d+\.\d+:8000", address.origin(8000))
