"""Offline sync that knows records, versions and devices, and no application. The protocol is SPEC.md."""
