"""The web process: `gunicorn wsgi:app`."""

import os

from app.config import Settings
from app.factory import build_runtime, start_serving

app = start_serving(build_runtime(Settings.from_env(os.environ)))
