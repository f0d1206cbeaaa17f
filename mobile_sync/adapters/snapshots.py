"""A pull to its end as one stream of lines, in memory that does not grow with it (SPEC.md L13, L14)."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flask import Response, request, stream_with_context

from mobile_sync.adapters import texts
from mobile_sync.adapters.feed_sql import SqlFeed
from mobile_sync.protocol import Bucket, Device, PullRequest
from mobile_sync.pull import Puller

if TYPE_CHECKING:
    from mobile_sync.adapters.http import SyncHost

LINES_TYPE = "application/x-ndjson"
# A snapshot that stays open holds back the clearing of dead rows in the whole database, and a thread of the server. Who
# is slower goes on where it stopped, from a newer snapshot.
LONGEST_S = 60.0


def page_lines(host: SyncHost[Any], device: Device, request: PullRequest, buckets: Sequence[Bucket]) -> Iterator[bytes]:
    """The pages of one snapshot, each a line; ends early at a whole page when it has taken `LONGEST_S`."""
    until = time.monotonic() + LONGEST_S
    with host.snapshot(device) as ctx:
        puller = Puller(host.collections, host.schema_version)
        for page in puller.pages(ctx, SqlFeed(host.session(ctx)), request, buckets, host.now(ctx)):
            yield texts.page(page) + b"\n"
            if time.monotonic() >= until:
                return


def line_by_line(lines: Iterator[bytes]) -> Response:
    """A stream, compressed where the client takes it, so that each line can be read as soon as it has arrived."""
    zipped = request.accept_encodings["gzip"] > 0
    written = _zipped(lines) if zipped else lines
    response = Response(stream_with_context(written), mimetype=LINES_TYPE)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy that collects the answer first would undo all this
    return response


def _zipped(lines: Iterator[bytes]) -> Iterator[bytes]:
    pack = zlib.compressobj(4, wbits=31)
    for line in lines:
        yield pack.compress(line) + pack.flush(zlib.Z_SYNC_FLUSH)
    yield pack.flush()
