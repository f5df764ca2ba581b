from __future__ import annotations

import base64

from cnnwidgets.widgets.surface.picture import Picture

ADDRESS = b"data:image/png;base64," + base64.b64encode(b"\x89PNG")


def sent(picture: Picture) -> tuple[bytes, str]:
    """What the page gets to show: bytes, and what they are."""
    state = picture.get_state()
    return bytes(state["value"]), state["format"]


def test_the_page_gets_an_address_which_is_there_at_once_and_leaves_nothing_behind():
    assert sent(Picture(value=b"\x89PNG")) == (ADDRESS, "url")


def test_the_value_is_the_png_and_goes_in_one_message(messages):
    picture = Picture()
    messages.clear()
    picture.value = b"\x89PNG"
    assert bytes(picture.value) == b"\x89PNG"
    assert [message.traits for message in messages] == [{"value"}]


def test_no_picture_is_sent_as_nothing():
    assert sent(Picture())[0] == b""
