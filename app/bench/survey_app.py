"""The product's web process with the benchmark's record kind beside its own: `gunicorn app.bench.survey_app:app`."""

import os

from app.bench.surveys import Surveys
from app.config import Settings
from app.factory import build_runtime, create_app
from app.sync.collections import COLLECTIONS

COLLECTIONS[Surveys.entity] = Surveys()
app = create_app(build_runtime(Settings.from_env(os.environ)))
