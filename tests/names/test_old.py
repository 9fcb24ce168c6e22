"""Old names mean what they did, warn, and are found in every room's table."""

import importlib
import pkgutil
import sys
import types

import pytest

import cvxnn
from cvxnn.names import keep_old_arguments, keep_old_names
from cvxnn.names.old import OldNames


def rooms():
    """Return the package and its rooms, imported, but for those that run something when imported."""
    names = [name for _, name, _ in pkgutil.iter_modules(cvxnn.__path__, "cvxnn.") if "__main__" not in name]
    return [cvxnn, *map(importlib.import_module, sorted(names))]


def check_table(module):
    """Require that each old name is gone from the exports, and that its new name is public where it says."""
    table = vars(module).get("__getattr__")
    if not isinstance(table, OldNames):
        return
    for old, new in table.names.items():
        home, _, name = new.rpartition(".")
        public = names_of(importlib.import_module(home or module.__name__))
        assert table.module == module.__name__
        assert old not in vars(module), f"{module.__name__}.{old} is still there: its alias is never asked"
        assert old not in module.__all__
        assert name in public, f"{old} of {module.__name__} is called {new}, which is not public"


def names_of(module):
    """Return a room's public names; of a file, the classes that it defines, which functions of its room return."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.__name__)
def test_old_names_lead_to_public_ones(room):
    check_table(room)


@pytest.fixture
def module():
    made = types.ModuleType("cvxnn_old_names")
    made.__all__ = ["number"]
    made.number = 3
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def test_an_old_name_works_and_says_what_to_write(module):
    keep_old_names(module.__name__, {"count": "number", "Net": "cvxnn.ReLUNetwork"})
    with pytest.warns(DeprecationWarning, match="cvxnn_old_names.count is now called number") as told:
        assert module.count == 3
    assert told[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="is now called cvxnn.ReLUNetwork"):
        from cvxnn_old_names import Net
    assert Net is cvxnn.ReLUNetwork
    check_table(module)


def test_other_names_are_missing_as_ever(module):
    keep_old_names(module.__name__, {"count": "number"})
    assert not hasattr(module, "cuont")
    with pytest.raises(ImportError, match="cannot import name"):
        from cvxnn_old_names import cuont  # noqa: F401


def test_what_answered_before_still_does(module):
    vars(module)["__getattr__"] = {"later": 4}.__getitem__
    keep_old_names(module.__name__, {"count": "number"})
    assert module.later == 4
    with pytest.warns(DeprecationWarning, match="now called number"):
        assert module.count == 3


@pytest.mark.parametrize(
    "names", [{"number": "number"}, {"count": "nmuber"}, {"Net": "cvxnn.problem.ReLUNetwork"}]
)
def test_faulty_tables_are_found(module, names):
    keep_old_names(module.__name__, names)
    with pytest.raises((AssertionError, AttributeError)):
        check_table(module)


def test_an_old_argument_works_and_says_what_to_write():
    @keep_old_arguments(eta="ratio")
    def grid(n, *, ratio=0.5):
        return n * ratio

    with pytest.warns(DeprecationWarning, match="grid: the argument eta is now called ratio") as told:
        assert grid(2, eta=3.0) == 6.0
    assert told[0].filename == __file__
    assert grid(2, ratio=2.0) == 4.0
    with pytest.raises(TypeError, match="eta is the old name of ratio"):
        grid(2, eta=3.0, ratio=2.0)
