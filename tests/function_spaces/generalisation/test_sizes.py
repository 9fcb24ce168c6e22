"""Numbers of samples and dimensions."""

import pytest

from cvxnn.function_spaces.generalisation.sizes import as_sizes


def test_one_number_serves_all_sizes():
    n, d = as_sizes(5, [1, 2])
    assert (n.tolist(), d.tolist()) == ([5, 5], [1, 2])


@pytest.mark.parametrize(
    ("samples", "dimensions", "message"),
    [
        ([], 2, "samples must be an integer or a sequence"),
        (2, [0], "dimensions must be an integer >= 1; got 0"),
        (2.5, 1, "samples must be an integer >= 1; got 2.5"),
        ([1, 2, 3], [1, 2], "as many entries; got 3 and 2"),
    ],
)
def test_bad_sizes_are_named(samples, dimensions, message):
    with pytest.raises(ValueError, match=message):
        as_sizes(samples, dimensions)
