"""`python -m app.web build|check|budget|types|dev`: makes and checks the screens. Standard library only."""

import argparse
import os
import sys
import time

from app.web.build import APPS, OUTPUT, WEB, build, check_budget, check_types, check_words, install_packages
from app.web.contract import check_contract, write_contract
from app.web.node import BuildFailed, find_node


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
    """Everything a change to the screens must pass, in the order of how fast it fails."""
    check_words()
    node = find_node()
    install_packages(node, say)
    say("OpenAPI document and API types")
    check_contract(node)
    say("eslint and prettier")
    node.run(["node_modules/eslint/bin/eslint.js", ".", "--max-warnings=0"], WEB, quiet=True)
    node.run(["node_modules/prettier/bin/prettier.cjs", "--check", "src", "."], WEB, quiet=True)
    check_types(node, say)
    say("unit tests")
    node.run(["node_modules/vitest/vitest.mjs", "run"], WEB, quiet=True)
    if (OUTPUT / "stamp.json").exists():
        check_budget(say)


def say(line: str) -> None:
    """Progress, at once."""
    print(f"screens: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
