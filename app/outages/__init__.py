"""Outages: several calls, one cause, one job."""
