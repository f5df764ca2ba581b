"""Lessons that are ready, one function for each topic, on your own network or the one that comes along."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..widgets.state import Subject
from .view import Lesson

Model = nn.Module | Subject | None


def filters(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """Which of these filters made this map? Wrong ones are the most similar other filters of the layer.

    Parameters
    ----------
    model, dataset
        As of `Lesson`; by default LeNet-5 and the digits that come with the package.
    seed : int
        The same number asks the same questions: one for a whole class.
    count : int
        Questions.
    **options
        As of `Lesson`; `layer` is another convolution than the first.

    Raises
    ------
    NothingToAsk
        The network has no convolution, or one filter alone, or all maps are the same everywhere.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.filters(seed=7).question.ask
    'Which of these filters made this map?'
    """
    return _lesson("filters", model, dataset, seed, count, options)


def feature_maps(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """Which map does this filter make of the image? Wrong ones are the most similar maps of other filters.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`. `layer` is another convolution than the first.

    Raises
    ------
    NothingToAsk
        The network has no convolution, or all maps are the same everywhere.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.feature_maps(seed=7, count=1).question.topic
    'feature_maps'
    """
    return _lesson("feature_maps", model, dataset, seed, count, options)


def relu(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """What does ReLU make of this map? Wrong ones keep what is negative, turn its sign, or do nothing.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`. `layer` is a certain ReLU.

    Raises
    ------
    NothingToAsk
        The network has no ReLU right behind maps, or no map has values above and below 0.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.relu(seed=7, count=1).question.topic
    'relu'
    """
    return _lesson("relu", model, dataset, seed, count, options)


def pooling(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """What does pooling make of this map? Wrong ones pool in another way, or are the most similar maps.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`. `layer` is a certain pooling layer.

    Raises
    ------
    NothingToAsk
        The network has no max or average pooling right behind maps.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.pooling(seed=7, count=1).question.topic
    'pooling'
    """
    return _lesson("pooling", model, dataset, seed, count, options)


def padding(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """How large is the map, given the padding? Wrong sizes forget the padding, or count it wrongly.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`. `layer` is a certain convolution.

    Raises
    ------
    NothingToAsk
        The network has no convolution with windows of more than one place.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.padding(seed=7, count=1).question.topic
    'padding'
    """
    return _lesson("padding", model, dataset, seed, count, options)


def stride(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """How large is the map, given the stride? Wrong sizes are those of other strides.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`. `layer` is a certain convolution or pooling layer.

    Raises
    ------
    NothingToAsk
        No layer of the network slides by more than one place.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.stride(seed=7, count=1).question.topic
    'stride'
    """
    return _lesson("stride", model, dataset, seed, count, options)


def receptive_field(
    model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any
) -> Lesson:
    """Which part of the image does this unit see? One answers by a click in the image.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`. `layer` is a certain layer.

    Raises
    ------
    NothingToAsk
        The units of the network see one pixel, or nearly the whole image.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.receptive_field(seed=7, count=1).question.topic
    'receptive_field'
    """
    return _lesson("receptive_field", model, dataset, seed, count, options)


def softmax(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """How probable is the first class, by softmax? Wrong ones share the scores out otherwise.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`.

    Raises
    ------
    NothingToAsk
        The network puts out no class scores, or probabilities.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.softmax(seed=7, count=1).question.topic
    'softmax'
    """
    return _lesson("softmax", model, dataset, seed, count, options)


def occlusion(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """Which part counts most when it is covered? One answers by a click in the image.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`.

    Raises
    ------
    NothingToAsk
        The network puts out no class scores, or no part of an image counts clearly more.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.occlusion(seed=7, count=1).question.topic
    'occlusion'
    """
    return _lesson("occlusion", model, dataset, seed, count, options)


def channels(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """Which class loses most when this channel is off? Wrong ones lose nearly as much, or are what the network says.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`. `layer` is a certain convolution.

    Raises
    ------
    NothingToAsk
        The network puts out no class scores, or has no convolution.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.channels(seed=7, count=1).question.topic
    'channels'
    """
    return _lesson("channels", model, dataset, seed, count, options)


def training(model: Model = None, dataset: Any = None, *, seed: int = 0, count: int = 4, **options: Any) -> Lesson:
    """Which loss curve belongs to this learning rate? The last layer learns from the images once more.

    Parameters
    ----------
    model, dataset, seed, count
        As of `filters`.
    **options
        As of `Lesson`.

    Raises
    ------
    NothingToAsk
        The network has no linear layer at its end, or all images are of one class.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.lessons.training(seed=7, count=1).question.topic
    'training'
    """
    return _lesson("training", model, dataset, seed, count, options)


def _lesson(topic: str, model: Model, dataset: Any, seed: int, count: int, options: dict[str, Any]) -> Lesson:
    return Lesson(model, dataset, topics=(topic,), seed=seed, count=count, **options)
