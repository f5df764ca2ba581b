from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from cnnwidgets.compute.embedding.embedding import aligned, clusters, embed, methods, principal, silhouettes
from cnnwidgets.compute.steps.progress import Stopped

GROUPS = np.repeat([0, 1, 2], 10)


@pytest.fixture
def three_groups() -> np.ndarray:
    """(2, 30, 5): three groups far apart; in the second frame all have moved by the same."""
    rng = np.random.default_rng(0)
    frame = 20 * np.eye(3, 5)[GROUPS] + rng.normal(size=(30, 5))
    return np.stack([frame, frame + 7.0])


def test_principal_components_by_hand():
    # along (3, 4, 0) at -5, 0, 5 and nothing else: one component, and the second axis is 0
    points, shares = principal(np.array([[[-3.0, -4, 0], [0, 0, 0], [3, 4, 0]]]), 2)
    assert np.allclose(np.abs(points[0, :, 0]), [5, 0, 5]) and np.allclose(points[0, :, 1], 0)
    assert np.allclose(shares, [1, 0])


def test_frames_share_one_plane_so_that_a_point_that_stays_stays():
    vectors = np.zeros((2, 3, 2))
    vectors[0] = [[0, 0], [4, 0], [0, 2]]
    vectors[1] = [[0, 0], [4, 0], [8, 2]]  # only the last one moves
    found = embed(vectors, "pca")
    assert np.allclose(found.points[0, :2], found.points[1, :2], atol=1e-5)
    assert np.linalg.norm(found.points[1, 2] - found.points[0, 2]) == pytest.approx(8)
    assert sum(found.explained) == pytest.approx(1)


def test_vectors_of_one_number_lie_on_a_line_and_equal_ones_on_a_point():
    assert np.allclose(embed(np.array([[[1.0], [3.0]]])).points[0], [[-1, 0], [1, 0]]) or np.allclose(
        embed(np.array([[[1.0], [3.0]]])).points[0], [[1, 0], [-1, 0]]
    )
    assert not embed(np.ones((1, 4, 3))).points.any()


def test_alignment_turns_mirrors_and_moves_but_does_not_stretch():
    target = np.array([[0.0, 0], [2, 0], [0, 1]])
    mirrored = 3 - target @ np.array([[0.0, 1], [1, 0]])
    assert np.allclose(aligned(mirrored, target), target)
    twice = aligned(2 * target, target)
    assert np.linalg.norm(twice[1] - twice[0]) == pytest.approx(4)


@pytest.mark.slow
def test_tsne_keeps_groups_together_stays_in_one_frame_and_leaves_the_random_state_alone(three_groups):
    before = np.random.get_state()[1].copy()
    found = embed(three_groups, "tsne")
    assert np.array_equal(np.random.get_state()[1], before)
    for frame in found.points:
        assert (silhouettes(frame, GROUPS) > 0.5).all()
    apart = np.linalg.norm(found.points[0, 0] - found.points[0, 10])
    moved = np.linalg.norm(found.points[1] - found.points[0], axis=1)
    assert np.median(moved) < 0.2 * apart  # nothing but the place has changed
    assert np.array_equal(embed(three_groups, "tsne").points, found.points)


def test_the_work_reports_each_frame_and_stops_when_told_so(three_groups):
    seen = []
    embed(three_groups, "tsne", progress=lambda *numbers: seen.append(numbers) or True)
    assert seen == [(1, 2), (2, 2)]
    with pytest.raises(Stopped):
        embed(three_groups, "tsne", progress=lambda *numbers: False)


def test_umap_begins_each_frame_where_the_one_before_ended(three_groups, monkeypatch):
    begun = []

    class UMAP:
        def __init__(self, *, n_neighbors, init, random_state, n_jobs):
            begun.append(init)
            assert (n_neighbors, random_state) == (15, 0)

        def fit_transform(self, frame):
            return frame[:, :2] - frame[:, :2].mean(0)

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=UMAP))
    found = embed(three_groups, "umap")
    assert found.method == "umap" and np.allclose(found.points[0], begun[1])
    assert np.allclose(found.points[0], found.points[1], atol=1e-4)


def test_umap_is_offered_only_where_it_is_installed(three_groups, monkeypatch):
    monkeypatch.setattr("cnnwidgets.compute.embedding.embedding.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "umap", None)
    assert methods() == ["pca", "tsne"]
    with pytest.raises(ImportError, match="pip install umap-learn"):
        embed(three_groups, "umap")


def test_clusters_are_the_groups_and_keep_their_numbers_from_frame_to_frame(three_groups):
    shuffled = three_groups.copy()
    shuffled[1] *= -1  # k-means may number these otherwise
    found = clusters(shuffled, 3)
    assert np.array_equal(found.labels[0], found.labels[1])
    assert all(len(set(found.labels[0][group == GROUPS])) == 1 for group in range(3))
    assert found.silhouettes.min() > 0.5


def test_fewer_different_points_than_clusters_are_no_error():
    found = clusters(np.repeat([[[0.0], [1.0]]], 3, axis=1), 5)
    assert len(set(found.labels[0].tolist())) == 2 and (found.silhouettes == 1).all()


def test_silhouettes_by_hand():
    # of 0: 1 to its like, 10.5 on average to the others; 9.5 / 10.5. Without a group: none
    found = silhouettes(np.array([[0.0], [1], [10], [11], [5]]), np.array([0, 0, 1, 1, -1]))
    assert np.allclose(found[:4], [9.5 / 10.5, 8.5 / 9.5, 8.5 / 9.5, 9.5 / 10.5]) and np.isnan(found[4])
    assert np.isnan(silhouettes(np.array([[0.0], [1]]), np.array([0, 0]))).all()


@pytest.mark.parametrize(
    ("vectors", "method", "text"),
    [
        (np.zeros((1, 3, 2)), "tsne", "tsne needs 4 points or more, and there are 3: choose pca"),
        (np.zeros((1, 3, 2)), "mds", "method is pca, tsne or umap, not 'mds'"),
        (np.zeros((3, 2)), "pca", r"vectors must be \(states, points, numbers\)"),
        (np.full((1, 3, 2), np.nan), "pca", "3 of 3 vectors hold NaN"),
    ],
)
def test_what_cannot_be_embedded_is_refused(vectors, method, text):
    with pytest.raises(ValueError, match=text):
        embed(vectors, method)


def test_a_wrong_number_of_clusters_is_refused():
    with pytest.raises(ValueError, match="clusters must be 2 to 3, the number of points, not 4"):
        clusters(np.zeros((1, 3, 2)), 4)
