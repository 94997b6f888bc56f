"""Errors that are results, what a method could not do, and one of the machine, which are none."""

from __future__ import annotations


class MethodError(Exception):
    """A method failed on its input. The trial is recorded as failed with this message and the study goes on."""


class LostProcessError(Exception):
    """One of several processes of a job ended before its time. Nothing follows from that: the job is to run again."""
