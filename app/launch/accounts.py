"""The account servers run under: PostgreSQL refuses root, so root lends them an unprivileged one."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """A system account by name and numbers."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """None for an ordinary user; for root `postgres` where it exists, else `nobody`."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return Account("65534", 65534, 65534)  # the kernel's overflow user: an image without any passwd file


def may_enter(folder: Path, account: Account) -> bool:
    """Whether `account` may walk into `folder`, asked of the kernel because modes, ACLs and mounts all count."""
    asked = subprocess.run(
        ["test", "-x", str(folder)], user=account.uid, group=account.gid, extra_groups=[], check=False
    )
    return asked.returncode == 0


def hand_over(folder: Path, account: Account | None) -> Path:
    """`folder`, existing, private, and owned by the account that will serve from it."""
    folder.mkdir(parents=True, exist_ok=True)
    if account and folder.stat().st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    return folder
