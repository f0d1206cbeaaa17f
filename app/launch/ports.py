"""TCP ports: whether one is free, and who holds it."""

from __future__ import annotations

import contextlib
import errno
import socket
from pathlib import Path

from .processes import command_line
from .report import Stop


def check_port(host: str, port: int) -> None:
    """Make sure that a server may listen there.

    Raises:
        Stop: the port is taken or privileged, or the address is not one of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except (OSError, OverflowError) as refused:
            raise unusable(host, port, refused) from refused


def is_free(port: int) -> bool:
    """Whether a server may listen on that port of this machine."""
    try:
        check_port("127.0.0.1", port)
    except Stop:
        return False
    return True


def unusable(host: str, port: int, refused: Exception) -> Stop:
    """The sentence for a port that cannot be used."""
    number = getattr(refused, "errno", None)
    if number == errno.EADDRINUSE:
        holder = holder_of(port) or "?"
        return Stop(
            f"端口 {port} 已被占用（{holder}）：请停掉占用者，或用 --port 换一个（事件流用其后一个端口）。",
            f"Port {port} is taken (by {holder}): stop that program or choose another with --port.",
        )
    if number == errno.EACCES:
        return Stop(
            f"没有权限使用端口 {port}：请用 --port 选 1024 以上的端口。",
            f"Port {port} needs root: choose one above 1024 with --port.",
        )
    return Stop(
        f"不能在 {host}:{port} 上监听（{refused}）：请检查 --host 和 --port。",
        f"Cannot listen on {host}:{port} ({refused}): check --host and --port.",
    )


def holder_of(port: int) -> str:
    """The process that listens on `port`, as far as this user may see it; "" where unknown."""
    sockets = {inode for table in ("tcp", "tcp6") for inode in listening(Path("/proc/net") / table, port)}
    for entry in Path("/proc").glob("[0-9]*/fd/*") if sockets else []:
        with contextlib.suppress(OSError):  # another user's, or closed meanwhile
            if str(entry.readlink()) in sockets:
                pid = int(entry.parts[2])
                return f"{pid} {' '.join(command_line(pid))[:60]}".strip()
    return ""


def listening(table: Path, port: int) -> list[str]:
    """The sockets in a /proc/net table that listen on `port`, spelled as links in /proc/PID/fd."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
