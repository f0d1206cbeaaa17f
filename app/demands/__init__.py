"""Demands: what customers ask, who took it, who stays accountable (首问负责)."""
