"""The theory page on gradient descent beside the convex program says what the code does."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "theory" / "convex_comparison.md"


def test_the_samples_of_the_page_run():
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=options, encoding="utf-8")
    assert result.attempted > 20
    assert result.failed == 0
