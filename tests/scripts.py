"""The scripts of the documents, as modules and as programs."""

import importlib.util
import multiprocessing
import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["sklid", "sklid.baselines", "sklid.metrics"])


def load(path):
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # where a script that is run finds its neighbours
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(path, *arguments, output, timeout):
    """The status of a script run as a program, in a process that has the package already, and what it printed."""
    process = SERVER.Process(target=_run_as_program, args=(path, arguments, output))
    process.start()
    process.join(timeout)
    status = process.exitcode
    process.kill()
    process.join()
    process.close()
    return status, output.read_text()


def _run_as_program(path, arguments, output):
    with output.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name="__main__")
