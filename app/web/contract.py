"""Keeps the API types of the screens equal to the server's OpenAPI.

Standard library only; the document is made by a process of its own, which has the libraries.
"""

import sys
import tempfile
from pathlib import Path

from app.web.node import BuildFailed, Node, run

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent.parent
TYPES = WEB / "src" / "shared" / "api" / "schema.d.ts"


def write_contract(node: Node, target: Path = TYPES) -> None:
    """Make the types again.

    Raises:
        BuildFailed: the document could not be made.
    """
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        run([sys.executable, "-m", "app.openapi", str(document)], ROOT, quiet=True)
        node.run(["node_modules/openapi-typescript/bin/cli.js", str(document), "-o", str(target)], WEB, quiet=True)


def check_contract(node: Node) -> None:
    """Refuse when the committed types are not those of this server.

    Raises:
        BuildFailed: they differ; the message names the command that writes them.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "schema.d.ts"
        write_contract(node, fresh)
        if fresh.read_text("utf-8") != TYPES.read_text("utf-8"):
            raise BuildFailed("the API types are not the server's; run `python -m app.web types`")
