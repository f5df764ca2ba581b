"""Embedding of vectors in a plane by PCA, t-SNE or UMAP, comparable over the states of a network, and clusters."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...late import imported
from ..core import Bar, Report

METHODS = ("pca", "tsne", "umap")
REDUCED = 50
"""Maximum number of principal components passed to t-SNE and UMAP, as is usual: the rest is noise and costs time."""
ITERATIONS = 500
FEWEST = 4
"""Minimum number of points for t-SNE and UMAP, which preserve neighbourhoods."""

Vectors = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Embedding:
    """N points in a plane for each of F states of a network.

    Attributes
    ----------
    points : ndarray of float32
        (F, N, 2); states can be compared point by point.
    method : str
        `pca`, `tsne` or `umap`.
    explained : tuple of float or None
        For `pca`: explained variance ratio of each axis, 0 to 1.
    """

    points: NDArray[np.float32]
    method: str
    explained: tuple[float, float] | None = None

    def __repr__(self) -> str:
        frames, count, _ = self.points.shape
        axes = "" if self.explained is None else ", {:.0%} + {:.0%} of the variance".format(*self.explained)
        return f"Embedding by {self.method}: {count:,} points in {frames:,} frame{'s' * (frames != 1)}{axes}"


@dataclass(frozen=True, eq=False)
class Clusters:
    """Cluster of each of N points in each of F states, (F, N) int64, and its silhouette, (F, N) float64, -1 to 1."""

    labels: NDArray[np.int64]
    silhouettes: NDArray[np.float64]

    def __repr__(self) -> str:
        frames, count = self.labels.shape
        groups, mean = len(np.unique(self.labels)), np.nanmean(self.silhouettes) if count else np.nan
        return f"Clusters: {count:,} points in {groups} clusters, {frames:,} frames, mean silhouette {mean:.2f}"


def methods() -> list[str]:
    """The available methods: `umap` only if umap-learn is installed."""
    return [method for method in METHODS if method != "umap" or find_spec("umap") is not None]


def embed(vectors: Vectors, method: str = "pca", *, seed: int = 0, progress: bool | Report = True) -> Embedding:
    """Embed vectors in a plane, the same plane for all states.

    `pca` is fitted to all states together. `tsne` and `umap` initialise each state with the points of the previous one;
    the result is rotated and mirrored to match those (Procrustes), since only neighbourhoods are meaningful.

    Parameters
    ----------
    vectors : ndarray
        (F, N, D): N points in F states; finite.
    method : str
        `pca`, `tsne` (van der Maaten & Hinton 2008) or `umap` (McInnes et al. 2018; needs umap-learn).
    seed : int
        Random seed of `tsne` and `umap`; the global random state is unchanged.
    progress : bool or callable
        A progress bar on stderr if it takes longer than a second; `False` for none; or a function of (done, states)
        that returns whether to continue.

    Returns
    -------
    Embedding

    Raises
    ------
    ValueError
        Unknown method, too few points, or numbers that are not finite.
    ImportError
        `umap` without umap-learn.
    Stopped
        `progress` returned False.
    """
    vectors = checked(vectors)
    if method not in METHODS:
        raise ValueError(f"method is {', '.join(METHODS[:-1])} or {METHODS[-1]}, not {method!r}")
    if method == "pca":
        points, explained = principal(vectors, 2)
        return Embedding(points, method, (float(explained[0]), float(explained[1])))
    count = vectors.shape[1]
    if count < FEWEST:
        raise ValueError(f"{method} needs {FEWEST} points or more, and there are {count}: choose pca")
    reduced, _ = principal(vectors, REDUCED)
    start = reduced[0, :, :2] / (reduced[0, :, 0].std() or 1.0)
    found: list[NDArray[np.float32]] = []
    fit = _tsne if method == "tsne" else _umap
    with Bar(len(reduced), "frames", progress) as bar:
        for state in reduced:
            points = fit(state, found[-1] if found else None, start, seed)
            found.append(aligned(points, found[-1]) if found else points - points.mean(0))
            bar.add()
    return Embedding(np.stack(found).astype(np.float32), method)


def principal(vectors: Vectors, most: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Principal components of all states together, (F, N, K), and the explained variance ratio of each, (K,).

    K is at most `most` and at least 2; missing components are 0.
    """
    states, count, _ = vectors.shape
    rows = vectors.reshape(states * count, -1)
    kept = min(most, *rows.shape)
    found = np.zeros((len(rows), max(2, kept)), np.float32)
    shares = np.zeros(max(2, kept))
    if np.ptp(rows, axis=0).any():  # else all are equal and have no components
        pca = imported("sklearn.decomposition").PCA(kept, random_state=0)
        found[:, :kept] = pca.fit_transform(rows)
        shares[:kept] = pca.explained_variance_ratio_
    return found.reshape(states, count, -1), shares


def aligned(points: NDArray[Any], target: NDArray[Any]) -> NDArray[Any]:
    """`points` (N, 2), rotated, mirrored and shifted to match `target` (N, 2): the orthogonal Procrustes problem.

    Schoenemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 31 (1966).
    """
    centred, middle = points - points.mean(0), target.mean(0)
    left, _, right = np.linalg.svd(centred.T @ (target - middle))
    return np.asarray(centred @ (left @ right) + middle)


def clusters(vectors: Vectors, count: int, *, seed: int = 0) -> Clusters:
    """k-means clusters of the vectors of each state; labels are matched to the previous state (Hungarian).

    Parameters
    ----------
    vectors : ndarray
        (F, N, D), finite.
    count : int
        Number of clusters, 2 to N.
    seed : int
        Random seed of the initial centres.

    Raises
    ------
    ValueError
        `count` is out of range, or numbers are not finite.
    """
    assign = imported("scipy.optimize").linear_sum_assignment
    k_means = imported("sklearn.cluster").KMeans

    vectors = checked(vectors)
    if not 2 <= count <= vectors.shape[1]:
        raise ValueError(f"clusters must be 2 to {vectors.shape[1]}, the number of points, not {count}")
    found: list[NDArray[np.int64]] = []
    for state in vectors:
        distinct = min(count, len(np.unique(state, axis=0)))
        labels = k_means(distinct, n_init=4, random_state=seed).fit(state).labels_.astype(np.int64)
        if found:
            common = np.zeros((count, count))
            np.add.at(common, (labels, found[-1]), 1)
            labels = assign(-common)[1][labels]
        found.append(labels)
    scores = [silhouettes(state, labels) for state, labels in zip(vectors, found, strict=True)]
    return Clusters(np.stack(found), np.stack(scores))


def silhouettes(vectors: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Silhouette of each of N vectors (N, D): 1 well inside its group, 0 between two, negative if nearer to another.

    Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis", Journal of
    Computational and Applied Mathematics 20 (1987). Negative `labels` are no group: NaN. All are NaN if there is
    only one group, or if each point is a group.
    """
    scores = np.full(len(vectors), np.nan)
    chosen = labels >= 0
    groups = len(np.unique(labels[chosen]))
    if 2 <= groups < chosen.sum():
        scores[chosen] = imported("sklearn.metrics").silhouette_samples(vectors[chosen], labels[chosen])
    return scores


def checked(vectors: Vectors) -> Vectors:
    """`vectors`, if they are (F, N, D) and finite; raises ValueError otherwise."""
    if vectors.ndim != 3 or not vectors.size:
        raise ValueError(f"vectors must be (states, points, numbers), not of shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        bad = int((~np.isfinite(vectors).all(axis=2)).sum())
        raise ValueError(f"{bad} of {vectors.shape[0] * vectors.shape[1]} vectors hold NaN or infinite numbers")
    return vectors


def _tsne(state: NDArray[Any], before: NDArray[Any] | None, start: NDArray[Any], seed: int) -> NDArray[Any]:
    noise = np.random.default_rng(seed).normal(size=start.shape)  # identical points must be separated
    begin = 1e-4 * (start + 0.01 * noise) if before is None else before + 0.01 * noise
    tsne = imported("sklearn.manifold").TSNE(
        perplexity=min(30.0, (len(state) - 1) / 3),
        early_exaggeration=12.0 if before is None else 1.0,  # groups exist already
        init=begin.astype(np.float32),
        max_iter=ITERATIONS,
        random_state=seed,
    )
    return np.asarray(tsne.fit_transform(state))


def _umap(state: NDArray[Any], before: NDArray[Any] | None, start: NDArray[Any], seed: int) -> NDArray[Any]:
    try:
        umap = imported("umap").UMAP
    except ImportError:
        raise ImportError("method 'umap' needs umap-learn: pip install umap-learn") from None
    begin = start if before is None else before
    neighbours = min(15, len(state) - 1)
    return np.asarray(umap(n_neighbors=neighbours, init=begin.copy(), random_state=seed, n_jobs=1).fit_transform(state))
