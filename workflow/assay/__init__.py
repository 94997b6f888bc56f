"""Assay turns one config file into evidence: an image-classification study from data to verdicts.

The names below are the whole public surface for Python users and plug-ins. They are resolved on first
use, so that importing the package costs milliseconds and never pulls in torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Metric", "Option", "Origin", "load", "method"]

_HOME = {
    "method": "assay.study.registry",
    "Option": "assay.study.registry",
    "Metric": "assay.study.registry",
    "Origin": "assay.study.registry",
    "load": "assay.run.results",
}

if TYPE_CHECKING:
    from assay.run.results import load
    from assay.study.registry import Metric, Option, Origin, method


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'assay' has no attribute {name!r}; it offers {', '.join(__all__)}")
