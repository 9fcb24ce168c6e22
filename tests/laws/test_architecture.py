"""The house as its imports show it: rooms of few files, no circles, doors between rooms, names that hide nothing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

import cvxnn

SOURCE = Path(cvxnn.__file__).parent
TESTS = Path(__file__).parents[1]
MOST_FILES = 16
MOST_PRIVATE_IMPORTS = 19
MOST_PUBLIC_NAMES = 400  # one more than rooms and doors left: the encoder of columns


@dataclass(frozen=True)
class Import:
    """One name, as one module imports it: None where the module itself is imported."""

    importer: str
    module: str
    name: str | None


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk over the statements of a module, those inside others included; imports are never in expressions."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, field, [])
            left += inner if isinstance(inner, list) else []


@dataclass(frozen=True)
class House:
    """A package's modules by their dotted names, parsed."""

    root: Path

    @cached_property
    def files(self) -> dict[str, Path]:
        found = {}
        for path in sorted(self.root.rglob("*.py")):
            parts = path.relative_to(self.root.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return found

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.files.items()}

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        """What each module imports from the package: at its top, inside functions and for type checkers."""
        return {name: list(self._imports_of(name, tree)) for name, tree in self.trees.items()}

    def _imports_of(self, name, tree):
        inside = f"{self.root.name}."
        for node in statements(tree):
            if isinstance(node, ast.Import):
                yield from (Import(name, a.name, None) for a in node.names if a.name.startswith(inside))
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} imports by a relative name"
                if f"{node.module}.".startswith(inside):
                    yield from (Import(name, node.module, alias.name) for alias in node.names)

    def is_package(self, module: str) -> bool:
        return self.files[module].name == "__init__.py"

    @cached_property
    def doors(self) -> dict[str, dict[str, Import]]:
        """What each package imports to hand it on, by name."""
        return {
            module: {found.name: found for found in self.imports[module] if found.name is not None}
            for module in self.files
            if self.is_package(module)
        }

    def home(self, module: str, name: str | None) -> str:
        """Return the module that a name comes from, through the doors of packages."""
        if name is None:
            return module
        if f"{module}.{name}" in self.files:
            return f"{module}.{name}"
        handed_on = self.doors.get(module, {}).get(name)
        return module if handed_on is None else self.home(handed_on.module, handed_on.name)

    @cached_property
    def arrows(self) -> set[tuple[str, str]]:
        """Pairs of a module, packages' doors left out, and a module that something in it comes from."""
        pairs = {
            (importer, self.home(found.module, found.name))
            for importer, imports in self.imports.items()
            if not self.is_package(importer)
            for found in imports
        }
        return {(importer, imported) for importer, imported in pairs if importer != imported}

    def circles(self) -> list[list[str]]:
        """Return the circles of modules, and of what stands side by side in one folder."""
        found = _circles(self.arrows)
        for package in self.doors:
            inside = f"{package}."
            sides = {
                tuple(inside + module.removeprefix(inside).split(".")[0] for module in pair)
                for pair in self.arrows
                if all(module.startswith(inside) for module in pair)
            }
            found += _circles({(one, other) for one, other in sides if one != other})
        return found

    def private_imports(self) -> list[str]:
        """Return the imports past a room's door: from a file of another room, of what that room does not hand on."""
        return [
            f"{importer} imports {found.name} of {found.module}"
            for importer, imports in self.imports.items()
            for found in imports
            if found.name is not None and self._is_private(importer, found)
        ]

    def _is_private(self, importer: str, found: Import) -> bool:
        room = ".".join(found.module.split(".")[:2])
        if room not in self.doors or room == self.root.name or f"{importer}.".startswith(f"{room}."):
            return False
        return found.module != room and found.name not in self.doors[room]

    def public_names(self) -> set[str]:
        """Return the names in the lists ``__all__`` of the package and its rooms."""
        return {
            name
            for module, tree in self.trees.items()
            if self.is_package(module)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            for name in ast.literal_eval(node.value)
        }

    def hidden_names(self) -> list[str]:
        """Return the public functions that bear their module's name, or that of a module beside their door."""
        found = [
            f"{module} holds a function of its name"
            for module, tree in self.trees.items()
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name == module.rpartition(".")[2]
        ]
        for package, names in self.doors.items():
            for name, handed_on in names.items():
                if f"{package}.{name}" in self.files and handed_on.module != package:
                    found.append(f"{package} hands on {name} and holds a module of that name")
        return found


def _circles(arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Return what is left of a graph when all that leads nowhere, or is led to from nowhere, is taken away."""
    ahead, behind = defaultdict(set), defaultdict(set)
    for one, other in arrows:
        ahead[one].add(other)
        behind[other].add(one)
    left = set(ahead) & set(behind)
    while ends := {node for node in left if not (ahead[node] & left and behind[node] & left)}:
        left -= ends
    return [sorted(left)] if left else []


def crowded_folders(root: Path) -> list[str]:
    """Return the folders of more than sixteen files of Python."""
    folders = {path.parent for path in root.rglob("*.py")}
    return [str(folder) for folder in sorted(folders) if len(list(folder.glob("*.py"))) > MOST_FILES]


@pytest.fixture(scope="module")
def house():
    return House(SOURCE)


@pytest.mark.parametrize("root", [SOURCE, TESTS], ids=["cvxnn", "tests"])
def test_no_folder_is_crowded(root):
    assert crowded_folders(root) == []


def test_no_modules_and_no_shelves_go_in_circles(house):
    assert house.circles() == []
    assert len(house.arrows) > len(house.files)  # the imports were found


def test_rooms_are_entered_by_their_doors(house):
    found = house.private_imports()
    assert len(found) <= MOST_PRIVATE_IMPORTS, "\n".join(found)


def test_public_names_are_few(house):
    assert len(house.public_names()) <= MOST_PUBLIC_NAMES


def test_no_function_is_hidden_by_a_module(house):
    assert house.hidden_names() == []


def make_house(folder: Path, files: dict[str, str]) -> House:
    """Write a package of modules, given by their paths without the ending, and the doors that they lack."""
    root = folder / "house"
    for name, text in files.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for inner in {root, *(path.parent for path in root.rglob("*.py"))}:
        (inner / "__init__.py").touch()
    return House(root)


def test_a_crowded_folder_is_found(tmp_path):
    make_house(tmp_path, {f"room/file{k}": "" for k in range(MOST_FILES - 1)})
    assert crowded_folders(tmp_path) == []
    make_house(tmp_path, {"room/one_more": ""})
    assert crowded_folders(tmp_path) == [str(tmp_path / "house" / "room")]


WAYS = {
    "on top": "from house.room.b import g",
    "inside a function": "def f():\n    from house.room.b import g\n    return g",
    "for type checkers": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.room.b import g",
    "of the module": "import house.room.b",
    "of the module by its package": "from house.room import b",
    "through the door": "from house.room import g",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_circle_of_modules_is_found_however_it_is_closed(tmp_path, way):
    files = {
        "room/__init__": "from house.room.b import g",
        "room/a": WAYS[way],
        "room/b": "from house.room.a import f\ndef g(): ...",
    }
    assert ["house.room.a", "house.room.b"] in make_house(tmp_path, files).circles()
    files["room/b"] = "def g(): ..."
    assert make_house(tmp_path, files).circles() == []


def test_a_circle_of_rooms_is_found_where_no_module_is_in_one(tmp_path):
    files = {"one/a": "from house.two.b import g", "one/c": "", "two/b": "", "two/d": "import house.one.c"}
    assert make_house(tmp_path, files).circles() == [["house.one", "house.two"]]


def test_an_import_past_the_door_is_found(tmp_path):
    files = {
        "room/__init__": "from house.room.a import f",
        "room/a": "def f(): ...\ndef g(): ...",
        "room/b": "from house.room.a import g",
        "other/b": "from house.room import f\nfrom house.room.a import f",
        "another/c": "def h():\n    from house.room.a import f, g",
    }
    assert make_house(tmp_path, files).private_imports() == ["house.another.c imports g of house.room.a"]


def test_public_names_are_counted_once_and_in_doors_only(tmp_path):
    files = {
        "__init__": '__all__ = ["f"]',
        "room/__init__": '__all__ = ["f", "g"]',
        "room/a": '__all__ = ["h"]',
    }
    assert make_house(tmp_path, files).public_names() == {"f", "g"}


def test_functions_behind_modules_of_their_name_are_found(tmp_path):
    files = {
        "room/__init__": "from house.room.files import shelf",
        "room/same": "def same(): ...",
        "room/files": "def shelf(): ...",
        "room/shelf": "",
    }
    assert make_house(tmp_path, files).hidden_names() == [
        "house.room.same holds a function of its name",
        "house.room hands on shelf and holds a module of that name",
    ]
