"""Verbs of identity. Other rooms and the composition root take these."""

from app.identity.service.actors import COOKIE, actor_by_token, actor_of, actor_standing, authenticate, shown
from app.identity.service.gis_keys import authenticate_gis
from app.identity.service.logins import TokenPair, forget_stale, open_browser_session, open_token_session
from app.identity.service.trail import audit

__all__ = [
    "COOKIE",
    "TokenPair",
    "actor_by_token",
    "actor_of",
    "actor_standing",
    "audit",
    "authenticate",
    "authenticate_gis",
    "forget_stale",
    "open_browser_session",
    "open_token_session",
    "shown",
]
