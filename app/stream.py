"""The process of live streams: `gunicorn --worker-class gthread --workers 1 --threads 640 app.stream:application`."""

from __future__ import annotations

import os

from app.config import Settings
from app.live.hub import Hub
from app.live.stream import close_on_sigterm, create_stream
from app.runtime import build_runtime

runtime = build_runtime(Settings.from_env(os.environ))
hub = Hub(runtime)
hub.start()
close_on_sigterm(hub)
application = create_stream(runtime, hub)
