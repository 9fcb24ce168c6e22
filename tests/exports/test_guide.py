"""The guide's page on export says what the code does."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "export.md"


def test_the_samples_of_the_guide_run(tmp_path, monkeypatch):
    for module in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install cvxnn[torch,onnx]")
    monkeypatch.chdir(tmp_path)  # the samples write a file
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=options, encoding="utf-8")
    assert result.attempted > 30
    assert result.failed == 0
