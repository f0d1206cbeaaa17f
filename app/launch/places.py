"""Where the launcher keeps things: one dataclass of paths, all under the checkout's `var/`."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .accounts import Account, may_enter
from .report import Stop

# A Unix socket's address may have 107 bytes on Linux and 103 on macOS; servers append ".s.PGSQL.5432.lock".
SOCKET_FOLDER_LIMIT = 85


@dataclass(frozen=True)
class Places:
    """`root` is the checkout, `var` its state, `services` the folder the database's account can reach."""

    root: Path
    var: Path
    services: Path

    @classmethod
    def of(cls, root: Path, environ: Mapping[str, str], account: Account | None) -> Places:
        """The places of this checkout; moved out of it where the servers' account may not walk in."""
        var = Path(environ.get("LAMPLIGHTER_STATE") or root / "var").absolute()
        var.mkdir(parents=True, exist_ok=True)
        services = var / "embedded"
        if account and not may_enter(var, account):
            services = Path("/var/lib") / f"lamplighter-{short_hash(var)}"
        return cls(root=root, var=var, services=services)

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.var / "venv"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def run(self) -> Path:
        """Pid files and the lock of a running `up`."""
        return made(self.var / "run")

    @property
    def logs(self) -> Path:
        """One log a process."""
        return made(self.var / "log")

    @property
    def stamps(self) -> Path:
        """What has been done already."""
        return made(self.var / "stamps")

    @property
    def tools(self) -> Path:
        """Single programs taken from wheels: uv, Node, Valkey."""
        return made(self.var / "tools")

    @property
    def blobs(self) -> Path:
        """Photos and signatures by content."""
        return made(self.var / "blobs")

    @property
    def relocated(self) -> bool:
        """Whether the servers' data lie outside `var/`."""
        return self.services.parent != self.var

    def secret_key(self) -> str:
        """The signing secret of this checkout, made once and readable by its owner only."""
        path = self.var / "secret_key"
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text().strip()


def made(folder: Path) -> Path:
    """`folder`, existing."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def short_hash(path: Path) -> str:
    """Ten hexadecimal digits that stand for a path."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:10]


def socket_folder(home: Path, account: Account | None) -> Path:
    """A folder for the sockets of the servers under `home`: inside it, or a short one where that is too long.

    Raises:
        Stop: the short folder exists and belongs to someone else.
    """
    folder = home / "sockets"
    if len(os.fsencode(folder)) > SOCKET_FOLDER_LIMIT:
        folder = Path(tempfile.gettempdir()) / f"lamplighter-{short_hash(home)}"
    owner = account.uid if account else os.getuid()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid not in {owner, os.getuid()} or folder.is_symlink():
        raise Stop(
            f"套接字目录 {folder} 属于其他用户：请删除它后重试。",
            f"The socket folder {folder} belongs to someone else: remove it and start again.",
        )
    if account:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    return folder
