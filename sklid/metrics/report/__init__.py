"""The report on the collapse of a model: measurements, the evidence for a cause, the verdict, and how they read."""

from .collapse import collapse_report, collapse_summary, rows_to_screen
from .measurements import LabelMeasurements, LatentMeasurements, TotalMeasurements
from .report import CollapseReport

__all__ = [
    "CollapseReport",
    "LabelMeasurements",
    "LatentMeasurements",
    "TotalMeasurements",
    "collapse_report",
    "collapse_summary",
    "rows_to_screen",
]
