"""The types that the package declares reach a user's type checker."""

import os
import sys
from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api", reason="types are checked by mypy")
TESTS = Path(__file__).parent


def test_a_users_script_has_the_types_that_it_asserts_and_wrong_arguments_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("MYPYPATH", os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")])))
    command = ["--strict", "--config-file=", f"--cache-dir={tmp_path}", f"--python-executable={sys.executable}"]
    report, errors, status = api.run([*command, str(TESTS / "typed_user.py")])
    assert status == 0, report + errors
