"""The scripts of the documents as modules."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def load(path):
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # where a script that is run finds its neighbours
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
