"""The product's web process with the benchmark's record kind beside its own: `gunicorn app.bench.survey_app:app`."""

import os

from app.bench.surveys import Surveys
from app.config import Settings
from app.factory import build_runtime, start_serving
from app.media.models import AttachmentKind
from app.sync.collections import COLLECTIONS
from app.sync.host import MOST_BYTES

COLLECTIONS[Surveys.entity] = Surveys()
MOST_BYTES[AttachmentKind.PHOTO] = 1024**3  # what an upload holds in memory shows with a large file
app = start_serving(build_runtime(Settings.from_env(os.environ)))
