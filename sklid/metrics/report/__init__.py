"""The report on the collapse of a model: measurements, the evidence for a cause, the verdict, and how they read."""

from .measure import collapse_report, collapse_summary, rows_to_screen
from .report import CollapseReport

__all__ = ["CollapseReport", "collapse_report", "collapse_summary", "rows_to_screen"]
