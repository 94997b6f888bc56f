"""Errors that are results: what a method could not do, as opposed to a machine that gave out."""

from __future__ import annotations


class MethodError(Exception):
    """A method failed on its input. The trial is recorded as failed with this message and the study goes on."""
