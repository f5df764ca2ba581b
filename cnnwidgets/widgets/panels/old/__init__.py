"""Panels of views that describe theirs twice."""
