"""Definitions of workflows: read, checked, compiled; and the pure rules of a run's graph.

`load` makes a `Plan` of a text or value; `plan.progress()` is where a run of it stands.
"""
