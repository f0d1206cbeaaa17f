"""Writes the server's OpenAPI document: `python -m app.openapi FILE`. Needs the libraries, but no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from app.config import Settings
from app.factory import build_runtime, create_app

# Never connected to: the document follows from the code alone.
NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "BLOB_ROOT": "var/none",
    "SECRET_KEY": "only the document is made with this key",
}


def document() -> str:
    """The document as `/api/openapi.json` answers it, keys in order, so that a change shows as a small difference."""
    app = create_app(build_runtime(Settings.from_env(NOWHERE)))
    answer = app.test_client().get("/api/openapi.json")
    return json.dumps(answer.get_json(), ensure_ascii=False, indent=1, sort_keys=True)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), "utf-8")
