"""Verbs of the fleet."""
