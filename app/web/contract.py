"""Lints the server's OpenAPI document and keeps the API types of the screens equal to it.

Standard library only; the document is made by a process of its own, which has the libraries.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.web.node import BuildFailed, Node, run

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent.parent
TYPES = WEB / "src" / "shared" / "api" / "schema.d.ts"


@contextmanager
def fresh_document() -> Iterator[Path]:
    """The document of this server, in a file for the time of the block.

    Raises:
        BuildFailed: the document could not be made.
    """
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        run([sys.executable, "-m", "app.openapi", str(document)], ROOT, quiet=True)
        yield document


def write_types(node: Node, document: Path, target: Path = TYPES) -> None:
    """Make the types again."""
    node.run(["node_modules/openapi-typescript/bin/cli.js", str(document), "-o", str(target)], WEB, quiet=True)


def write_contract(node: Node) -> None:
    """Make the types of this server again."""
    with fresh_document() as document:
        write_types(node, document)


def check_contract(node: Node) -> None:
    """Refuse a document that breaks a rule, and committed types that are not those of this server.

    Raises:
        BuildFailed: the message lists the broken rules, or names the command that writes the types.
    """
    with fresh_document() as document:
        lint_document(node, document)
        fresh = document.with_name("schema.d.ts")
        write_types(node, document, fresh)
        if fresh.read_text("utf-8") != TYPES.read_text("utf-8"):
            raise BuildFailed("the API types are not the server's; run `python -m app.web types`")


def lint_document(node: Node, document: Path) -> None:
    """Refuse an OpenAPI document that breaks a rule of `lint-openapi.mjs`.

    Raises:
        BuildFailed: the message lists what is broken, and where.
    """
    node.run(["lint-openapi.mjs", str(document)], WEB, quiet=True)
