"""The branch's street graph, and distances and times along it."""
