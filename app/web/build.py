"""Turns the TypeScript sources into `app/static/ui`, and does nothing when they did not change."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.web.budget import Figure, figures, over_budget, table
from app.web.node import BuildFailed, Node, find_node, run
from app.web.words import missing_words

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent.parent
OUTPUT = ROOT / "app" / "static" / "ui"
STAMP = OUTPUT / "stamp.json"
APPS = ("desk", "crew")

Say = Callable[[str], None]


def sources() -> Iterator[Path]:
    """Every file the output depends on, in a fixed order."""
    names = ("*.ts", "*.mjs", "*.html", "tsconfig*.json", "package.json", "package-lock.json", ".npmrc")
    yield from sorted(path for name in names for path in WEB.glob(name))
    for folder in (WEB / "src", WEB / "public", ROOT / "mobile_sync" / "client" / "src"):
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and ".test." not in path.name)


def digest(paths: Iterator[Path] | list[Path]) -> str:
    """SHA-256 over names and contents, so a moved file counts as a change."""
    total = hashlib.sha256()
    for path in paths:
        total.update(str(path.relative_to(ROOT)).encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_current() -> bool:
    """True when the last good build was made from exactly these sources."""
    if not STAMP.exists() or not all((OUTPUT / name / f"{name}.html").exists() for name in APPS):
        return False
    try:
        stamp = json.loads(STAMP.read_text())
    except ValueError:
        return False
    return isinstance(stamp, dict) and stamp.get("sources") == digest(sources())


def build(say: Say, *, force: bool = False) -> None:
    """Packages, words, both builds, compression, budget; the stamp is written last. Types are checked by `check`.

    Raises:
        BuildFailed: a step failed; the message is the sentence to print.
    """
    if not force and is_current():
        say("the screens are up to date")
        return
    made_from = digest(sources())
    STAMP.unlink(missing_ok=True)
    node = find_node()
    install_packages(node, say)
    check_words()
    bundle(node, say)
    say("compressing")
    node.run(["compress.mjs", *(str(OUTPUT / name) for name in APPS)], WEB, quiet=True)
    measured = check_budget(say)
    sizes = {figure.name: figure.kib for figure in measured}
    STAMP.write_text(json.dumps({"sources": made_from, "kib": sizes}, indent=1) + "\n")


def install_packages(node: Node, say: Say) -> None:
    """`npm ci`, unless exactly this lock is installed already. No package needs its install script."""
    installed = WEB / "node_modules" / ".lamplighter-lock"
    wanted = digest([WEB / "package-lock.json"])
    if installed.exists() and installed.read_text() == wanted:
        return
    say("installing packages (npm ci)")
    options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    run([*node.npm, *options], WEB, quiet=True)
    installed.write_text(wanted)


def check_words() -> None:
    """A word missing in one language stops the build."""
    missing = missing_words()
    if missing:
        raise BuildFailed("words missing in one language:\n" + "\n".join(missing))


def check_style(node: Node) -> None:
    """Lint and form."""
    node.run(["node_modules/eslint/bin/eslint.js", ".", "--max-warnings=0"], WEB, quiet=True)
    node.run(["node_modules/prettier/bin/prettier.cjs", "--check", "src", "."], WEB, quiet=True)


def check_types(node: Node) -> None:
    """One program a runtime: a page knows the DOM, a service worker and the sync engine do not."""
    for program, project in (
        ("vue-tsc/bin/vue-tsc.js", "tsconfig.json"),
        ("typescript/bin/tsc", "tsconfig.worker.json"),
        ("typescript/bin/tsc", "tsconfig.sync.json"),
        ("typescript/bin/tsc", "tsconfig.tests.json"),
        ("typescript/bin/tsc", "tsconfig.tools.json"),
    ):
        node.run([f"node_modules/{program}", "--noEmit", "-p", project], WEB, quiet=True)


def run_unit_tests(node: Node) -> None:
    """Vitest over both halves of TypeScript."""
    node.run(["node_modules/vitest/vitest.mjs", "run"], WEB, quiet=True)


def bundle(node: Node, say: Say) -> None:
    """Both apps by Vite, side by side."""
    say(f"building {' and '.join(APPS)}")
    with ThreadPoolExecutor(len(APPS)) as pool:
        for built in [pool.submit(bundle_one, node, name) for name in APPS]:
            built.result()


def bundle_one(node: Node, name: str) -> None:
    """One app."""
    node.run(["node_modules/vite/bin/vite.js", "build", "-c", f"vite.{name}.config.ts"], WEB, quiet=True)


def check_budget(say: Say) -> list[Figure]:
    """Sizes against the limits; over the limit is a failed build."""
    measured = figures(OUTPUT)
    say(table(measured))
    broken = over_budget(measured)
    if broken:
        raise BuildFailed("over budget: " + ", ".join(figure.name for figure in broken))
    return measured
