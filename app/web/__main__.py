"""`python -m app.web build|check|budget|types|dev`: makes and checks the screens. Standard library only."""

import argparse
import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor

from app.web.build import (
    APPS,
    OUTPUT,
    WEB,
    build,
    check_budget,
    check_style,
    check_types,
    check_words,
    install_packages,
    run_unit_tests,
)
from app.web.contract import check_contract, write_contract
from app.web.node import BuildFailed, find_node

AT_ONCE = 2  # one program of Node's fills a core


def main(arguments: list[str]) -> int:
    """Run one command; 0 when it went well, 1 with a sentence on stderr when it did not."""
    parser = argparse.ArgumentParser(prog="python -m app.web", description="Makes and checks the screens.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="both apps, only when something changed").add_argument(
        "--force", action="store_true", help="also when nothing changed"
    )
    commands.add_parser("check", help="OpenAPI document, API types, lint, types, translations, unit tests")
    commands.add_parser("budget", help="sizes of the last build against their limits")
    commands.add_parser("types", help="write the API types again from the server's OpenAPI")
    dev = commands.add_parser("dev", help="Vite with hot reload")
    dev.add_argument("app", choices=APPS)
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        run_command(options)
    except BuildFailed as failure:
        print(f"screens: {failure}", file=sys.stderr)
        return 1
    say(f"done in {time.monotonic() - started:.1f} s")
    return 0


def run_command(options: argparse.Namespace) -> None:
    """Each command by name."""
    if options.command == "build":
        build(say, force=options.force)
    elif options.command == "check":
        check()
    elif options.command == "budget":
        check_budget(say)
    elif options.command == "types":
        node = find_node()
        install_packages(node, say)
        write_contract(node)
    else:
        node = find_node()
        install_packages(node, say)
        os.execv(
            node.program, ["node", str(WEB / "node_modules/vite/bin/vite.js"), "-c", f"vite.{options.app}.config.ts"]
        )


def check() -> None:
    """Everything a change to the screens must pass, side by side; what failed is told together.

    Raises:
        BuildFailed: the message has what each failed check said.
    """
    check_words()
    node = find_node()
    install_packages(node, say)
    say("types, OpenAPI document, eslint and prettier, unit tests")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = [pool.submit(one, node) for one in (check_types, check_contract, check_style, run_unit_tests)]
        failed = [said for ended in begun if (said := failure_of(ended))]
    if failed:
        raise BuildFailed("\n\n".join(failed))
    if (OUTPUT / "stamp.json").exists():
        check_budget(say)


def failure_of(ended: Future[None]) -> str:
    """What a check that failed has to say."""
    try:
        ended.result()
    except BuildFailed as failure:
        return str(failure)
    return ""


def say(line: str) -> None:
    """Progress, at once."""
    print(f"screens: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
