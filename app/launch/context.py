"""What every command starts from: places, account, environment, progress, and the parts made of them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .accounts import Account, server_account
from .places import Places
from .programs import disk_full
from .python_env import PythonEnv
from .registries import fetching, pip_files, system_bundle
from .report import Progress, Stop
from .services import Maker, Services

ROOT = Path(__file__).resolve().parents[2]
FIRST_START_BYTES = 2 * 1024**3
LATER_START_BYTES = 200 * 1024**2
KEEP_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}  # whatever the caller's is: compiling costs more than importing


@dataclass(frozen=True)
class Launch:
    """One run of the launcher."""

    places: Places
    account: Account | None
    environ: Mapping[str, str]
    progress: Progress
    python: PythonEnv
    maker: Maker

    @classmethod
    def here(cls, environ: Mapping[str, str]) -> Launch:
        """The launcher of this checkout on this machine."""
        os.umask(0o022)  # the servers' account has to read what we unpack, whatever the caller's umask
        progress = Progress()
        account = server_account()
        places = Places.of(ROOT, environ, account)
        if places.relocated:
            progress.note(f"  数据库账号进不了 {places.var}，服务数据放在 / service data lie in: {places.services}")
        env = fetching(environ, pip_files(environ), system_bundle())
        python = PythonEnv(places, env, progress)
        return cls(places, account, environ, progress, python, Maker(places, account, python, progress))

    def check_disk(self) -> None:
        """Refuse to begin what the disk cannot hold.

        Raises:
            Stop: too little is free.
        """
        needed = LATER_START_BYTES if self.places.python.exists() else FIRST_START_BYTES
        if shutil.disk_usage(self.places.var).free < needed:
            raise disk_full(f"free in {self.places.var}: {shutil.disk_usage(self.places.var).free // 1024**2} MiB")

    def product_env(self, services: Services) -> dict[str, str]:
        """The environment of the product's own processes; what the caller has set stays."""
        ours = {
            **services.env(),
            "SECRET_KEY": self.environ.get("SECRET_KEY") or self.places.secret_key(),
            "BLOB_ROOT": self.environ.get("BLOB_ROOT") or str(self.places.blobs),
            "PYTHONUNBUFFERED": "1",
            **KEEP_COMPILED,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(self.places.root), self.environ.get("PYTHONPATH")])),
            "PATH": os.pathsep.join([str(self.places.venv / "bin"), self.environ.get("PATH") or os.defpath]),
        }
        return {**self.python.env, **ours}

    @contextmanager
    def using(self, services: Services) -> Iterator[None]:
        """Start the servers for the time of the block; the last of several users stops them."""
        with (self.places.run / "services.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            try:
                with self.progress.step("PostgreSQL + PostGIS, Redis"):
                    services.start()
                yield
            finally:
                if is_last_user(lock):
                    services.stop()


def is_last_user(lock: IO[str]) -> bool:
    """Whether nobody else holds the shared lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Running:
    """The one running `up` (or test run) of this checkout: a lock that its process holds, with a note on it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def as_only_one(self, **about: Any) -> Iterator[None]:
        """Be the only one for the time of the block; `about` is what others may read.

        Raises:
            Stop: another one runs.
        """
        with self.path.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as taken:
                raise self._taken() from taken
            self.path.write_text(json.dumps({"pid": os.getpid(), **about}))
            yield

    def about(self) -> dict[str, Any] | None:
        """What the running one has noted; None where none runs."""
        if not self.path.exists():
            return None
        with self.path.open("a+") as lock:
            if is_last_user(lock):
                return None
        try:
            return dict(json.loads(self.path.read_text()))
        except ValueError:
            return {}

    def _taken(self) -> Stop:
        about = self.about() or {}
        where = about.get("address", "")
        return Stop(
            f"本目录已有一个在运行（进程 {about.get('pid', '?')} {where}）：先执行 python3 -m app down 或等它结束。",
            f"One is running from this folder (process {about.get('pid', '?')}): stop it with `down`, or wait.",
        )
