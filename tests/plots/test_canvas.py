"""Figures are saved whole or not at all, and none stays behind."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import cvxnn.plots as plots
from cvxnn.certificates import make_certificate
from cvxnn.networks import ReLUNetwork
from cvxnn.training import TrainingRecord

matplotlib.use("Agg")  # also where there is a screen

NETWORK = ReLUNetwork([[1.0, -1.0], [0.5, 0.2]], [1.0, -2.0])
CERTIFICATE = make_certificate(2.0, 1.0, tol=1e-3, method="exact sweep", scope="network")
PATH = SimpleNamespace(betas=[1.0], networks=[NETWORK], certificates=[CERTIFICATE])
FOLDS = SimpleNamespace(betas_=[2.0, 1.0], scores_=[[0.1, 0.2], [0.3, 0.2]], best_index_=1, one_se_index_=0)
PICTURES = {
    "fit_1d": plots.fit_1d(NETWORK, [0.0, 1.0], [1.0, 2.0]),
    "convergence": plots.convergence([TrainingRecord(0, 0.1, 2.0, 1.0, 0, 0.5)]),
    "cv": plots.cv(FOLDS),
    "neurons": plots.neurons(NETWORK),
    "path": plots.path(PATH),
    "predictions": plots.predictions([0.0, 1.0], [0.5, 0.5]),
}


def test_all_names_exist():
    assert sorted(plots.__all__) == plots.__all__
    assert all(hasattr(plots, name) for name in plots.__all__)


def test_importing_plots_does_not_import_matplotlib():
    code = "import sys, cvxnn.plots; sys.exit(any(name.startswith('matplotlib') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_pictures_make_their_own_figure_outside_pyplot(picture):
    before = plt.get_fignums()
    ax = picture.plot()
    assert isinstance(ax, Axes)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_pictures_draw_on_the_axes_given_and_on_no_other(picture):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert picture.plot(left) is left
    assert len(figure.axes) == 2
    assert left.has_data()
    assert not right.has_data()


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_pictures_leave_the_global_style_alone(picture):
    before = dict(plt.rcParams)
    picture.plot()
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_every_picture_is_saved_as_png(picture, tmp_path):
    path = plots.save_figure(picture.plot(), tmp_path / "picture.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "start"), [("a.pdf", b"%PDF"), ("a.svg", b"<?xml"), ("a.PNG", b"\x89PNG")])
def test_the_name_decides_the_format(name, start, tmp_path):
    figure = Figure()
    figure.add_subplot()
    assert plots.save_figure(figure, str(tmp_path / name)).read_bytes().startswith(start)


def test_the_axes_of_a_subfigure_save_the_whole_figure(tmp_path):
    ax = Figure().subfigures(1, 2)[0].subfigures(2, 1)[0].add_subplot()
    assert plots.save_figure(ax, tmp_path / "a.png").stat().st_size > 0


def test_pyplot_forgets_a_saved_figure(tmp_path):
    figure, ax = plt.subplots()
    plots.save_figure(ax, tmp_path / "a.png")
    assert figure.number not in plt.get_fignums()


def test_a_failed_save_keeps_the_old_file_and_leaves_no_part(tmp_path):
    class Unprintable(Figure):
        def savefig(self, stream, **options):
            stream.write(b"half a picture")
            raise OSError("disk full")

    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        plots.save_figure(Unprintable(), target)
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"old"


def test_a_reader_never_sees_part_of_a_picture(tmp_path):
    target, seen, done = tmp_path / "a.png", set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(target.read_bytes()[-8:] == b"IEND\xaeB`\x82")  # how a whole PNG ends

    plots.save_figure(PICTURES["predictions"].plot(), target)
    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        plots.save_figure(PICTURES["predictions"].plot(), target)
    done.set()
    reader.join()
    assert seen == {True}


def test_bad_targets_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.png.*got 'a\.bmp'"):
        plots.save_figure(Figure(), tmp_path / "a.bmp")
    with pytest.raises(ValueError, match="ax_or_fig must be matplotlib axes or a figure; got dict"):
        plots.save_figure({}, tmp_path / "a.png")
    with pytest.raises(FileNotFoundError):
        plots.save_figure(Figure(), tmp_path / "no folder" / "a.png")
