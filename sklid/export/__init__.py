"""Fitted models for use elsewhere: ONNX files, and torch modules that run without this package."""

from .modules import to_module
from .onnx_file import to_onnx
from .rows import rows_of

__all__ = ["rows_of", "to_module", "to_onnx"]
