"""Stored files as HTTP answers, in ranges where they are asked for, never as a whole in memory."""

from __future__ import annotations

import os
from typing import BinaryIO

from flask import Response, request, send_file


def send_stored(content: BinaryIO, sha256: str, *, mime: str, as_attachment: bool, name: str) -> Response:
    """The content of an object store, from its beginning; 206 and 304 as the request asks.

    The answer closes `content`. It is never sniffed, and kept by the reader's own cache only.
    """
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    response = send_file(
        content, mimetype=mime, as_attachment=as_attachment, download_name=name, conditional=False, etag=sha256
    )
    response.content_length = size
    response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.public = False
    response.cache_control.private = True
    return response
