"""Jobs: a crew's work, its life cycle, its checklist and who it is assigned to."""
