"""Signs and scales of attribution maps, by hand and against Captum's own."""

from __future__ import annotations

import numpy as np
import pytest
from captum.attr._utils.visualization import _normalize_attr

from cnnwidgets.render.color.colormap import apply
from cnnwidgets.render.color.heat import SIGNS, Heat

MAP = np.array([[-4.0, 1.0], [2.0, 3.0]])
CAPTUM = {"absolute": "absolute_value", "positive": "positive", "negative": "negative", "all": "all"}


@pytest.mark.parametrize(
    ("sign", "values", "limit", "ends"),
    [
        ("absolute", [[4, 1], [2, 3]], 4, (0, None, 4)),
        ("positive", [[0, 1], [2, 3]], 3, (0, None, 3)),
        ("negative", [[4, 0], [0, 0]], 4, (0, None, -4)),
        ("all", [[-4, 1], [2, 3]], 4, (-4, 0, 4)),
    ],
)
def test_a_sign_says_what_is_drawn(sign, values, limit, ends):
    heat = Heat.of(MAP, sign=sign, outliers=0)
    assert (heat.values.tolist(), heat.limit, heat.ends()) == (values, limit, ends)


def test_outliers_are_a_share_of_the_sum_of_magnitudes():
    assert Heat.of(MAP, sign="absolute", outliers=40).limit == 3  # 1 + 2 + 3 of 10 is 60 per cent
    assert Heat.of(MAP, sign="absolute", outliers=39).limit == 4


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("outliers", [0, 2, 30])
def test_the_scale_is_captums(sign, outliers):
    values = np.random.default_rng(0).normal(size=(20, 30))
    heat = Heat.of(values, sign=sign, outliers=outliers)
    wanted = _normalize_attr(values, CAPTUM[sign], outliers)
    np.testing.assert_allclose(np.clip(heat.values / heat.limit, -1, 1), wanted, atol=1e-12)


def test_zero_is_in_the_middle_of_a_diverging_map():
    heat = Heat.of(np.array([[-1.0, 0.0, 1.0]]), sign="all", outliers=0)
    assert heat.colormap == "RdBu_r"
    assert np.array_equal(heat.pixels, apply(np.array([[0, 127, 253]], np.uint8), "RdBu_r"))


def test_a_map_that_is_0_everywhere_has_the_lowest_colour():
    heat = Heat.of(np.zeros((1, 2)), sign="absolute")
    assert heat.limit == 0
    assert np.array_equal(heat.pixels, apply(np.zeros((1, 2), np.uint8), "viridis"))


def test_what_is_near_a_centred_0_covers_a_picture_less_but_for_an_opacity_of_1():
    heat = Heat.of(np.array([[0.0, 1.0], [-2.0, 4.0]]), sign="all", outliers=0)
    assert heat.weight(0.5).round(4).tolist() == [[0.0, 0.0625], [0.25, 0.5]]
    assert (heat.weight(1.0) == 1).all() and (heat.weight(0.0) == 0).all()
    assert (Heat.of(heat.values, sign="absolute").weight(0.5) == 0.5).all()


def test_what_is_no_sign_or_share_is_refused():
    with pytest.raises(ValueError, match="no sign 'both'; allowed: absolute"):
        Heat.of(MAP, sign="both")
    with pytest.raises(ValueError, match="not 100"):
        Heat.of(MAP, sign="all", outliers=100)
