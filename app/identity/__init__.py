"""Branches, people, posts, roles, sessions and devices: who acts, and where."""
