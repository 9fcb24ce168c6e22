"""What starts at once, and that names imported late are the names they were."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import cvxnn
from cvxnn import tables
from cvxnn.names import export_lazily

HEAVY = {"numpy", "scipy", "sklearn", "cvxpy", "pandas", "matplotlib", "joblib"}
PACKAGES = pytest.mark.parametrize("package", [cvxnn, tables], ids=lambda package: package.__name__)
RUN = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
    try:
        {code}
    except SystemExit as stop:
        status = stop.code
modules = sorted({{name.partition(".")[0] for name in sys.modules}})
print(json.dumps([status, out.getvalue(), err.getvalue(), modules]))
"""


def run(code, *arguments, folder):
    """Return exit status, output, errors and the packages that were imported."""
    command = [sys.executable, "-c", RUN.format(code=code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return json.loads(done.stdout)


def test_importing_the_package_imports_nothing_that_computes(tmp_path):
    status, _, _, modules = run("import cvxnn, cvxnn.tables; dir(cvxnn); status = 0", folder=tmp_path)
    assert status == 0
    assert HEAVY & set(modules) == set()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--version",), 0, f"cvxnn {cvxnn.__version__}"),
        (("--help",), 0, "certify"),
        (("fit", "--help"), 0, "--separator"),
        (("fit", "t.csv"), 2, "--target"),
        (("fit", "t.csv", "--target", "y", "--tol", "0"), 2, "must be a number > 0"),
        (("fit", "nowhere.csv", "--target", "y"), 1, "error: there is no file 'nowhere.csv'"),
        (("fit", "t.csv", "--target", "y", "--out", "no/m"), 1, "error: path must be in an existing folder"),
        (("predict", "nowhere", "t.csv"), 1, "error: there is no file 'nowhere'"),
        (("info", "nowhere"), 1, "error: there is no file 'nowhere'"),
    ],
)
def test_help_version_and_plain_errors_import_nothing_that_computes(tmp_path, arguments, status, said):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    found, out, err, modules = run("from cvxnn.cli import main; main()", *arguments, folder=tmp_path)
    assert found == status
    assert said in (out if status == 0 else err)
    assert HEAVY & set(modules) == set()


def test_what_computes_is_seen_to_be_imported(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    *_, modules = run("from cvxnn.cli import main; main()", "fit", "t.csv", "--target", "z", folder=tmp_path)
    assert {"numpy", "pandas"} <= set(modules)


def imported_for_type_checkers(package):
    """Return where a package's source imports its public names from, under TYPE_CHECKING."""
    source = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    block = next(node for node in source.body if isinstance(node, ast.If))
    assert block.test.id == "TYPE_CHECKING"
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in imports for alias in node.names}


@PACKAGES
def test_names_are_those_that_type_checkers_see(package):
    homes = imported_for_type_checkers(package)
    assert sorted(homes) == sorted(package.__all__)
    for name, home in homes.items():
        assert getattr(package, name) is getattr(importlib.import_module(home), name)
    assert set(package.__all__) <= set(dir(package))
    everything = {}
    exec(f"from {package.__name__} import *", everything)
    assert set(package.__all__) <= set(everything)


@PACKAGES
def test_other_names_are_not_there(package):
    for name in ("nonsense", "_private", "__wrapped__"):
        assert not hasattr(package, name)
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        exec(f"from {package.__name__} import nonsense")


def test_rooms_are_attributes_without_being_imported_by_name(tmp_path):
    code = (
        "import cvxnn; print(cvxnn.landscape.solve_dual.__name__, cvxnn.tables.reading.__name__); status = 0"
    )
    assert run(code, folder=tmp_path)[1] == "solve_dual cvxnn.tables.reading\n"


def test_a_name_that_is_made_is_made_once(monkeypatch):
    module = type(sys)("a_package")
    module.__path__ = []
    monkeypatch.setitem(sys.modules, "a_package", module)
    made = []
    export_lazily("a_package", {"math": ("pi",)}, {"answer": lambda: made.append(42) or 42})
    assert (module.answer, module.answer, made, round(module.pi, 2)) == (42, 42, [42], 3.14)
    assert {"answer", "pi"} <= set(dir(module))
