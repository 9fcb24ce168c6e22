"""Every sample on every page of the documentation runs and prints what the page says."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(
    page
    for folder in (DOCS, DOCS / "guide", DOCS / "theory")
    for page in folder.glob("*.md")
    if ">>> " in page.read_text(encoding="utf-8")
)
# What a page's samples need beyond the package itself.
NEEDS = {"export.md": ("torch", "onnx", "onnxruntime")}
# Of those that take long: cross-validation.
SLOW = {"regression.md"}
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def as_parameter(page):
    return pytest.param(page, id=page.stem, marks=[pytest.mark.slow] if page.name in SLOW else [])


@pytest.mark.parametrize("page", [as_parameter(page) for page in PAGES])
def test_the_samples_of_the_page_run(page, tmp_path, monkeypatch):
    for module in NEEDS.get(page.name, ()):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install cvxnn[torch,onnx]")
    monkeypatch.chdir(tmp_path)  # some samples write files
    result = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS, encoding="utf-8")
    assert result.attempted > 0
    assert result.failed == 0


def test_a_page_that_is_wrong_fails(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```pycon\n>>> 1 + 1\n3\n\n```\n", encoding="utf-8")
    result = doctest.testfile(
        str(page), module_relative=False, optionflags=OPTIONS, report=False, verbose=False
    )
    assert result.failed == 1


def test_all_pages_with_samples_are_found():
    assert len(PAGES) >= 20
