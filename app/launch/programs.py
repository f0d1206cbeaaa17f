"""Running other programs, and saying in one sentence why one failed."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .accounts import Account
from .processes import send
from .report import Stop

NO_SPACE = ("No space left on device", "os error 28", "ENOSPC", "Disk quota exceeded")
NO_NETWORK = (
    "Temporary failure resolving",
    "Temporary failure in name resolution",
    "Name or service not known",
    "failed to lookup address",
    "dns error",
    "Could not resolve",
    "Network is unreachable",
    "Could not connect",
    "Connection refused",
    "client error (Connect)",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "(from versions: none)",  # pip, its retries used up
)


_under_way: set[subprocess.Popen[str]] = set()


def end_all() -> None:
    """Ask every program that `run` waits for, in any thread, to end with what it has started."""
    for process in list(_under_way):
        send(process.pid, signal.SIGTERM, group=True)


@dataclass(frozen=True)
class Ran:
    """A finished program: its exit code and what it printed on both channels."""

    code: int
    output: str


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    stdin: str | None = None,
) -> Ran:
    """Run a program to its end with its output kept; `account` lends it another user."""
    process = subprocess.Popen(
        [str(part) for part in argv],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        start_new_session=True,
    )
    _under_way.add(process)
    try:
        output, _ = process.communicate(stdin)
    except BaseException:  # Ctrl-C or `down`: what the program has started goes with it
        send(process.pid, signal.SIGTERM, group=True)
        process.wait()
        raise
    finally:
        _under_way.discard(process)
    return Ran(process.returncode, output)


def must(
    argv: Sequence[str | Path],
    *,
    failing: tuple[str, str],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program that has to succeed, and return what it printed.

    Raises:
        Stop: it failed; `failing` is the sentence in Chinese and English unless disk or network explain it better.
    """
    ran = run(argv, env=env, cwd=cwd, account=account, stdin=stdin)
    if ran.code:
        raise explained(ran.output, failing)
    return ran.output


def explained(output: str, failing: tuple[str, str]) -> Stop:
    """The sentence for a failure: a full disk and a missing network are recognised in any program's words."""
    if any(sign in output for sign in NO_SPACE):
        return disk_full(output)
    if any(sign in output for sign in NO_NETWORK):
        return Stop(
            f"{failing[0]}：连不上软件源，请检查网络、代理或镜像设置后重试（已完成的步骤不会重做）。",
            f"{failing[1]}: the package source cannot be reached; check network, proxy or mirror and start again.",
            detail=output,
        )
    return Stop(f"{failing[0]}，原因见上。", f"{failing[1]}; the reason is above.", detail=output)


def disk_full(output: str = "") -> Stop:
    """The sentence for a full disk."""
    return Stop(
        "磁盘已满：请腾出空间后重试（首次安装约需 2 GB，已完成的步骤不会重做）。",
        "The disk is full: free some space and start again (a first start takes about 2 GB).",
        detail=output,
    )


def on_path(name: str, environ: Mapping[str, str]) -> Path | None:
    """The program of that name on PATH."""
    found = shutil.which(name, path=environ.get("PATH"))
    return Path(found) if found else None
