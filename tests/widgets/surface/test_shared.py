"""Layouts and styles that widgets of one view share."""

import ipywidgets as W
import pytest

import cnnwidgets as cw
from cnnwidgets.widgets.surface import layout, plain, sharing, tree


def test_inside_one_block_all_that_ask_for_the_same_layout_get_one_widget():
    with sharing():
        one, same, other = layout(width="10px"), layout(width="10px"), layout(width="20px")
    assert one is same and one is not other
    assert (one.width, other.width) == ("10px", "20px")


def test_the_order_in_which_traits_are_named_does_not_matter():
    with sharing():
        assert layout(width="10px", margin="0") is layout(margin="0", width="10px")


def test_outside_of_a_block_and_in_another_each_has_its_own():
    with sharing():
        inside = layout(width="10px")
    with sharing():
        elsewhere = layout(width="10px")
    assert len({id(each) for each in (inside, elsewhere, layout(width="10px"), layout(width="10px"))}) == 4


def test_plain_widgets_share_style_and_layout_and_keep_a_layout_that_is_given():
    with sharing():
        own = W.Layout(width="5px")
        texts = [plain(W.HTML, "a"), plain(W.HTML, "b"), plain(W.HTML, "c", layout=own)]
        box = plain(W.VBox, texts)  # has no style
    assert texts[0].style is texts[1].style is texts[2].style
    assert texts[0].layout is texts[1].layout is box.layout
    assert texts[2].layout is own
    assert [text.value for text in texts] == ["a", "b", "c"]


def test_writing_to_what_is_shared_is_an_error_that_says_what_to_do():
    with sharing():
        look = plain(W.HTML, "a").layout
        with pytest.raises(TypeError, match="display is written to a Layout that several widgets"):
            look.display = "none"
    plain(W.HTML, "a").layout.display = "none"  # its own
    look.close()  # is no writing


def view() -> cw.ActivationView:
    return cw.ActivationView(cw.models.lenet5(), cw.data.digits())


def test_two_views_share_nothing_so_that_closing_one_leaves_the_other_whole():
    one, other = view(), view()
    parts = tree(other)
    assert not {id(part) for part in tree(one)} & {id(part) for part in parts}
    one.close()
    assert all(part.comm is not None for part in parts)
    other.close()


def test_a_third_of_the_widgets_of_a_view_are_saved():
    shown = view()
    parts = tree(shown)
    looks = sum(isinstance(part, (W.Layout, W.Style)) for part in parts)
    assert looks < 0.45 * len(parts)  # without sharing there are more of them than of other widgets
    shown.close()
