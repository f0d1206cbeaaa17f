"""The virtual environment: uv makes it from hashed locks; a bare python3 gets uv out of a wheel first."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

from .debian import Apt, not_offered
from .places import Places, made
from .programs import must, on_path, run
from .report import Progress, Stop
from .stamps import Stamp, digest

OLDEST_UV = (0, 8)  # knows every option used here
LOCKS = Path(__file__).parent / "locks"


def find_uv(places: Places, environ: Mapping[str, str]) -> Path:
    """The uv on PATH, of an earlier run, or out of its wheel.

    Raises:
        Stop: neither pip nor apt is here to fetch the wheel.
    """
    for known in (on_path("uv", environ), places.tools / "uv/uv"):
        if known and known.exists() and uv_version(run([known, "--version"], env=environ).output) >= OLDEST_UV:
            return known
    return fetch_uv(places, environ)


def uv_version(text: str) -> tuple[int, ...]:
    """Major and minor from `uv --version`."""
    number = re.search(r"(\d+)\.(\d+)", text)
    return (int(number[1]), int(number[2])) if number else (0, 0)


def fetch_uv(places: Places, environ: Mapping[str, str]) -> Path:
    """Fetch uv's wheel with whatever pip there is, checking its hash, and take the program out of it."""
    folder = made(places.tools / "uv")
    pip, env = find_pip(places, environ)
    lock = LOCKS / "uv.txt"
    checked = ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    argv = [*pip, "download", "--quiet", *checked, "-r", str(lock), "-d", str(folder)]
    must(argv, env=env, failing=("下载 uv 失败", "Fetching uv failed"))
    wheel = next(folder.glob("uv-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        fresh = folder / "uv.new"
        with archive.open(inside) as source, fresh.open("wb") as target:
            shutil.copyfileobj(source, target)
    fresh.chmod(0o755)
    wheel.unlink()
    return fresh.replace(folder / "uv")


def find_pip(places: Places, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """How to call pip, and in which environment: the interpreter's own, or one run straight from a wheel file.

    Raises:
        Stop: there is none, and no apt to fetch one.
    """
    command = [sys.executable, "-m", "pip"]
    quiet = {"PIP_RETRIES": "2", **environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    if run([*command, "--version"], env=quiet).code == 0:
        return command, quiet
    wheel = bundled_pip() or fetch_pip_wheel(places, environ)
    return command, {**quiet, "PYTHONPATH": str(wheel)}


def bundled_pip() -> Path | None:
    """The wheel that ensurepip carries, or the one Debian keeps for virtual environments."""
    places = (Path(os.__file__).parent / "ensurepip/_bundled", Path("/usr/share/python-wheels"))
    return next((wheel for folder in places for wheel in sorted(folder.glob("pip-*.whl"))), None)


def fetch_pip_wheel(places: Places, environ: Mapping[str, str]) -> Path:
    """The pip that Debian ships for virtual environments, taken out of its package without installing it."""
    if not Apt.is_here(environ):
        raise Stop(
            "这个 Python 没有 pip，机器上也没有 uv 和 apt：请安装 uv（或 pip）后重试。",
            "This Python has no pip, and there is neither uv nor apt here: install uv (or pip) and start again.",
        )
    apt = Apt(made(places.var / "apt-pip"), environ)  # not the one that fetches the servers at the same time
    complaints = apt.update()
    folder = made(places.tools / "pip")
    if not apt.has("python3-pip-whl"):
        raise not_offered("python3-pip-whl (pip)", complaints)
    for package in apt.download(["python3-pip-whl"], folder):
        must(["dpkg-deb", "-x", package, folder], failing=("解开 pip 软件包失败", "Unpacking pip's package failed"))
        package.unlink()
    return next((folder / "usr/share/python-wheels").glob("pip-*.whl"))


class PythonEnv:
    """The project's virtual environment."""

    def __init__(self, places: Places, environ: Mapping[str, str], progress: Progress) -> None:
        self.places = places
        self.progress = progress
        self.env = {**environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "UV_NO_CONFIG": "1"}
        if not os.access(environ.get("HOME") or "/nowhere", os.W_OK):
            self.env.setdefault("UV_CACHE_DIR", str(places.var / "cache/uv"))
        self._uv: Path | None = None
        self._finding = threading.Lock()  # packages and Node may be fetched side by side

    def uv(self, *arguments: str | Path, failing: tuple[str, str]) -> str:
        """Run uv, fetched first where the machine has none."""
        with self._finding:
            if not self._uv:
                self._uv = find_uv(self.places, self.env)
        return must([self._uv, *arguments], env=self.env, cwd=self.places.root, failing=failing)

    def ready(self, *, dev: bool = False) -> bool:
        """Bring the environment to the lock and say True; False where its stamp matches and there is nothing to do.

        Development packages are a superset, so `up` accepts an environment that tests have made.
        """
        name = "requirements-dev.txt" if dev else "requirements.txt"
        lock = self.places.root / name
        stamp = Stamp(self.places.stamps / name)
        wanted = digest([lock], sys.version)
        if stamp.matches(wanted) and self.places.python.exists():
            return False
        with self.progress.step("Python 依赖 / Python packages" + (" (dev)" if dev else "")):
            self._make()
            failing = ("安装 Python 依赖失败", "Installing the Python packages failed")
            options = ("--system-certs", "--require-hashes", "--python", self.places.python)
            self.uv("pip", "install", *options, "-r", lock, failing=failing)
        stamp.write(wanted)
        return True

    def _make(self) -> None:
        """Make the environment where there is none, and again where it belongs to another interpreter."""
        asked = [str(self.places.python), "-c", "import sys; print(sys.version)"]
        if self.places.python.exists() and run(asked, env=self.env).output.strip() == sys.version.strip():
            return
        failing = ("建立虚拟环境失败", "Making the virtual environment failed")
        self.uv("venv", "--clear", "--no-project", "--python", sys.executable, self.places.venv, failing=failing)

    def tool(self, name: str) -> Path:
        """A folder with one locked wheel's contents (`locks/<name>.txt`), kept out of the environment."""
        lock = LOCKS / f"{name}.txt"
        folder = self.places.tools / name
        stamp = Stamp(self.places.stamps / f"tool-{name}")
        if not (stamp.matches(digest([lock])) and folder.is_dir()):
            failing = (f"安装 {name} 失败", f"Installing {name} failed")
            shutil.rmtree(folder, ignore_errors=True)
            options = ("--system-certs", "--require-hashes", "--no-deps", "--python", sys.executable)
            self.uv("pip", "install", *options, "--target", folder, "-r", lock, failing=failing)
            stamp.write(digest([lock]))
        return folder
