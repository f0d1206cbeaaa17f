"""Lamplighter: field service for power and gas utilities."""
