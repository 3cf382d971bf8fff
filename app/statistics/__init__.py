"""Counts, timelines and scorecards over the demands that a reader may see."""
