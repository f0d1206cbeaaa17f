"""The web process: `gunicorn wsgi:app`."""

import os

from app.config import Settings
from app.factory import build_runtime, create_app

app = create_app(build_runtime(Settings.from_env(os.environ)))
