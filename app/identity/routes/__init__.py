"""Doors of identity: people's sessions, their administration, and tablets."""

from app.identity.routes.admin import blp as admin
from app.identity.routes.session import blp as session
from app.identity.routes.tablets import blp as tablets

BLUEPRINTS = [session, admin, tablets]
