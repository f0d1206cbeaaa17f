# For those who prefer containers. The tests do not exercise this file: `python3 -m app up` is the way that CI proves.

FROM node:24-bookworm-slim AS screens
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
WORKDIR /srv
COPY app/__init__.py app/__init__.py
COPY app/web app/web
COPY mobile_sync/client mobile_sync/client
RUN python3 -m app.web build

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
COPY . .
COPY --from=screens /srv/app/static/ui app/static/ui
RUN useradd --system --home /srv lamplighter && install -d -o lamplighter /srv/blobs
USER lamplighter
ENV BLOB_ROOT=/srv/blobs
VOLUME /srv/blobs
EXPOSE 8000 8001
CMD ["gunicorn", "wsgi:app", "--worker-class=gthread", "--workers=2", "--threads=32", "--preload", "--no-control-socket", "--bind=0.0.0.0:8000"]
