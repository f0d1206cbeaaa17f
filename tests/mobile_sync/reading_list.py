"""A shared reading list: a whole application over `mobile_sync` and the standard library, `reading_list.py [PORT]`."""

from __future__ import annotations

import gzip
import json
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from mobile_sync.answers import write_refusal
from mobile_sync.collection import Change, FieldRule, Policy
from mobile_sync.memory.server import MemoryCollection, MemoryServer
from mobile_sync.protocol import Bucket, FieldError, Refusal, Rejected, SyncProblem

RULES = {
    "title": FieldRule(Policy.HUMAN),  # two spellings at once: somebody decides
    "readers": FieldRule(Policy.SET_UNION),
    "remarks": FieldRule(Policy.APPEND),
    "page": FieldRule(Policy.MAX),  # nobody unreads
    "state": FieldRule(Policy.STATE_MACHINE, {"wanted": ["borrowed"], "borrowed": ["read", "wanted"]}),
}


def must_have_a_title(change: Change) -> None:
    """The one rule of this library."""
    if change.fields.get("title") == "":
        raise Rejected("no_title", FieldError("title", "empty"))


def everybody(_fields: Mapping[str, Any]) -> set[str]:
    """One list, shared by all."""
    return {"list:all"}


BOOKS = MemoryCollection("book", RULES, everybody, must_have_a_title)
LIBRARY = MemoryServer({"book": BOOKS}, lambda: datetime.now(UTC), uuid.uuid4)  # noqa: TID251 - nothing else here
ONE_AT_A_TIME = Lock()


class Door(BaseHTTPRequestHandler):
    """POST /push and /pull; a reader's name is their token."""

    def do_POST(self) -> None:
        device_id = uuid.uuid5(uuid.NAMESPACE_URL, self.headers["Authorization"])
        LIBRARY.scopes[device_id] = [Bucket("list:all")]
        body = json.loads(gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))))
        try:
            with ONE_AT_A_TIME:
                status, told = 200, LIBRARY.post(device_id)(self.path.strip("/"), body)
        except SyncProblem as no:
            status, told = no.status, write_refusal(Refusal(no.code, no.params, no.errors))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Door)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}/\n")
    sys.stdout.flush()
    server.serve_forever()
