"""The folder with pictures and a summary, and what the words claim."""

import re

import numpy as np
import pytest

from cvxnn.certificates import make_certificate
from cvxnn.tables import fit_table, write_report
from cvxnn.tables.plain_words import names_in_words, proof_in_words


def test_the_report_has_a_summary_and_the_pictures_it_shows(plain, tmp_path):
    model, report = fit_table(plain.rename(columns={"x": "price ($) <b>|"}), "y", tol=1e-2, test_size=0.2)
    files = write_report(model, report, tmp_path / "new" / "out", source="data.csv")
    assert files[0] == tmp_path / "new" / "out" / "report.md"
    assert sorted(path.name for path in files) == sorted(p.name for p in files[0].parent.iterdir())
    text = files[0].read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((.*)\)", text)) == {path.name for path in files[1:]} >= {"fit.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files[1:])
    assert r"price ($) \<b\>\|" in text
    assert proof_in_words(model.certificate) in text
    assert f"| objective | {model.certificate.objective:.8g} |" in text


def test_a_second_report_replaces_the_first(mixed, tmp_path):
    model, report = fit_table(mixed, "y", tol=1e-2, drop=["flag"])
    first = write_report(model, report, tmp_path)
    assert first == write_report(model, report, tmp_path)
    assert "fit.png" not in [path.name for path in first]  # one number and a category: no curve
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in first)


def test_a_report_of_a_constant_network_is_written(plain, tmp_path):
    model, report = fit_table(plain, "y", beta_ratio=2.0)
    assert model.network.n_neurons == 0
    assert write_report(model, report, tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(plain, tmp_path):
    model, report = fit_table(plain, "y", tol=1e-2)
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match="folder must be a folder or a new name"):
            write_report(model, report, folder)


def certificate(bound, *, tol=1e-3, violation=None):
    return make_certificate(
        2.0, bound, tol=tol, method="joint dual SDP", scope="network", search_violation=violation
    )


def test_words_claim_optimality_only_when_it_is_proven():
    assert proof_in_words(certificate(1.999)).startswith("Proven optimal to tol")
    for bound, violation in [(1.9, None), (1.9, 1e-4), (1.9, 0.2), (0.0, 0.2)]:
        words = proof_in_words(certificate(bound, violation=violation))
        assert words.startswith("Not proven optimal")
        assert ("a search, not a proof" in words) == (violation == 1e-4)
        assert ("the network is not an optimum" in words) == (violation == 0.2)


def test_words_round_to_the_side_on_which_they_stay_true(rng):
    for bound in rng.uniform(1e-6, 2.0, 50):
        words = proof_in_words(certificate(bound))
        claimed = float(re.search(r"below (\S+) on", words).group(1))
        percent = float(re.search(r"at most (\S+) %", words).group(1))
        assert claimed <= bound
        assert percent >= 100 * (1 - bound / 2.0)
        np.testing.assert_allclose(claimed, bound, rtol=1e-5)  # six digits


@pytest.mark.parametrize("length", [1, 30, 300, 3000])
@pytest.mark.parametrize("count", [0, 1, 12, 20, 21, 2000])
def test_names_are_shown_within_a_few_lines_and_counted(count, length):
    words = names_in_words(["x" * length] * count)
    assert len(words) <= 420  # the letters shown, and how many more there are
    shown, more = re.fullmatch(r"((?:x+(?:\.\.\.)?(?:, )?)*)(?: and ([\d,]+) more)?", words).groups()
    assert shown.count("x") > 0 or count == 0
    assert (len(shown.split(", ")) if shown else 0) + int((more or "0").replace(",", "")) == count
