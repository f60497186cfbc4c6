"""The page a person opens after a selection."""

from tamis.report.page import render

__all__ = ["render"]
