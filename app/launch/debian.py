"""Debian packages fetched and unpacked into a folder of our own: no root, nothing installed, no system service touched.

apt checks signatures as usual; only its lists and cache lie in our folder. The measured recipe and its traps are in
app/decisions/0001-embedded-services.md.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .closure import closure, parse_depends
from .places import made
from .programs import explained, must, on_path, run
from .report import Stop
from .stamps import Stamp

NEEDED_TOOLS = ("apt-get", "apt-cache", "dpkg-deb", "dpkg-query", "tar")
LEFT_OUT = ("./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/lintian", "./usr/share/info")
DEPENDS_ONLY = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]


@dataclass(frozen=True)
class Prefix:
    """A folder with unpacked packages and what programs need in the environment to run from it."""

    folder: Path

    @property
    def libraries(self) -> list[Path]:
        """Library folders, those that packages keep for themselves (NSS modules, PulseAudio's) included."""
        triple = f"{platform.machine()}-linux-gnu"
        roots = [self.folder / base / triple for base in ("usr/lib", "lib")]
        nested = [root / name for root in roots for name in ("nss", "pulseaudio", "blas", "lapack")]
        return [folder for folder in roots + nested if folder.is_dir()]

    @property
    def library_path(self) -> str:
        """The value of LD_LIBRARY_PATH."""
        return os.pathsep.join(map(str, self.libraries))


class Apt:
    """apt with lists and cache in `folder`, so that any user may refresh them."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        made(folder / "lists/partial")
        made(folder / "cache/archives/partial")
        self.env = {**environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        self.options = [
            f"-oDir::State::Lists={folder / 'lists'}",
            f"-oDir::Cache={folder / 'cache'}",
            "-oDebug::NoLocking=1",
            "-oAPT::Sandbox::User=",
            "-oAPT::Update::Post-Invoke-Success::=",
            "-oAPT::Update::Post-Invoke::=",
        ]

    @staticmethod
    def is_here(environ: Mapping[str, str]) -> bool:
        """Whether this machine has Debian's package tools."""
        return all(on_path(tool, environ) for tool in NEEDED_TOOLS)

    def update(self) -> str:
        """Refresh our own package lists; returns apt's complaints.

        One broken source among several is no reason to stop: what counts is whether the packages are found afterwards.
        """
        return run(["apt-get", *self.options, "update", "-qq"], env=self.env).output

    def newest(self, pattern: str) -> str | None:
        """The package matching `pattern` with the highest numbers in its name."""
        listed = run(["apt-cache", *self.options, "search", "--names-only", pattern], env=self.env).output
        names = [line.partition(" ")[0] for line in listed.splitlines() if " - " in line]
        return max(names, key=numbers, default=None)

    def has(self, name: str) -> bool:
        """Whether the sources offer the package."""
        return bool(
            run(["apt-cache", *self.options, "show", "--no-all-versions", name], env=self.env).output.startswith(
                "Package:"
            )
        )

    def needed(self, wanted: Sequence[str], skip: re.Pattern[str]) -> list[str]:
        """`wanted` and what they need beyond what the machine has installed."""
        failing = ("查询软件包依赖失败", "Asking for package dependencies failed")
        text = must(
            ["apt-cache", *self.options, "depends", "--recurse", *DEPENDS_ONLY, *wanted], env=self.env, failing=failing
        )
        return closure(parse_depends(text), wanted, installed=self._installed(), skip=skip)

    def download(self, names: Iterable[str], folder: Path) -> list[Path]:
        """Fetch packages into `folder`."""
        failing = ("下载 Debian 软件包失败", "Downloading Debian packages failed")
        must(["apt-get", *self.options, "download", "-qq", *names], env=self.env, cwd=made(folder), failing=failing)
        return sorted(folder.glob("*.deb"))

    def _installed(self) -> set[str]:
        listed = run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"], env=self.env).output
        return {line.split()[1] for line in listed.splitlines() if line.startswith("ii")}


def not_offered(title: str, complaints: str) -> Stop:
    """The sentence for packages that apt does not find; `complaints` is what refreshing the lists said."""
    if complaints.strip():
        return explained(complaints, (f"取得 {title} 失败", f"Fetching {title} failed"))
    return Stop(
        f"apt 源里没有 {title}：请检查 apt 源（Ubuntu 需 universe），或自备后设 DATABASE_URL、REDIS_URL。",
        f"apt's sources do not offer {title}: check them (Ubuntu: universe), or set DATABASE_URL and REDIS_URL.",
    )


def numbers(name: str) -> list[int]:
    """The numbers in a package name, for ordering: postgresql-9-… before postgresql-15-…"""
    return [int(part) for part in re.findall(r"\d+", name)]


def unpack(packages: Sequence[Path], into: Path) -> None:
    """Unpack packages side by side, without documentation and translations.

    Raises:
        Stop: a package is damaged or the disk is full.
    """
    made(into)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for failure in pool.map(lambda package: unpack_one(package, into), packages):
            if failure:
                raise failure


def unpack_one(package: Path, into: Path) -> Stop | None:
    """Unpack one package; returns what went wrong."""
    excluded = [f"--exclude={path}" for path in LEFT_OUT]
    reading = subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    writing = subprocess.run(
        ["tar", "-x", "--no-same-owner", "-C", str(into), *excluded],
        stdin=reading.stdout,
        capture_output=True,
        check=False,
    )
    reading_said = reading.communicate()[1]
    if writing.returncode == 0 and reading.returncode == 0:
        return None
    said = (writing.stderr + reading_said).decode(errors="replace")
    return explained(said, (f"解开 {package.name} 失败", f"Unpacking {package.name} failed"))


def fetch(apt: Apt, wanted: Sequence[str], skip: re.Pattern[str], prefix: Prefix) -> None:
    """Download `wanted` with what they need and unpack them into `prefix`; finished when its stamp says so.

    The folder is filled under another name and renamed last, so that a broken run leaves no half prefix.
    """
    fresh = prefix.folder.with_name(prefix.folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    debs = made(fresh) / "debs"
    try:
        unpack(apt.download(apt.needed(wanted, skip), debs), fresh)
        shutil.rmtree(debs)
        shutil.rmtree(prefix.folder, ignore_errors=True)
        fresh.replace(prefix.folder)
        Stamp(prefix.folder / ".complete").write(" ".join(wanted))
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # gone after success; after a full disk it would keep it full
