"""A picture from a file, from its bytes, from an array: upright, its first frame, in grey or colour."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image

from cnnwidgets.compute.pictures import OwnImage, adopt, is_own, own_image, read_picture, sized
from cnnwidgets.compute.pictures.kept import KEPT

RED = Image.new("RGB", (2, 1), (255, 0, 0))


def stored(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_path_and_bytes_and_a_picture_are_the_same(tmp_path):
    (tmp_path / "red.png").write_bytes(stored(RED))
    for given in (tmp_path / "red.png", str(tmp_path / "red.png"), stored(RED), RED, np.asarray(RED)):
        picture, notes = read_picture(given)
        assert (picture.mode, picture.size, picture.getpixel((0, 0)), notes) == ("RGB", (2, 1), (255, 0, 0), [])


def test_a_photo_stands_upright_as_its_orientation_says():
    image = Image.new("RGB", (3, 2))
    image.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter: the upper left corner is seen at the upper right
    picture, _ = read_picture(stored(image, exif=exif))
    assert picture.size == (2, 3)
    assert picture.getpixel((1, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("image", "mode", "pixel"),
    [
        (Image.new("1", (1, 1), 1), "L", 255),
        (Image.new("L", (1, 1), 7), "L", 7),
        (Image.new("P", (1, 1), 3), "RGB", None),
        (Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "RGB", (255, 0, 0)),
        (Image.new("RGBA", (1, 1), (0, 0, 0, 255)), "RGB", (0, 0, 0)),
        (Image.new("F", (1, 1), 0.2), "L", 51),
        *((Image.new("RGBA", (1, 1), (9, 9, 9, 255)).convert("LA").convert(mode), "L", 9) for mode in ("LA", "La")),
        (Image.new("RGBA", (1, 1), (9, 9, 9, 255)).convert("RGBa"), "RGB", (9, 9, 9)),
    ],
)
def test_every_mode_becomes_grey_or_colour(image, mode, pixel):
    picture, notes = read_picture(image)
    assert picture.mode == mode
    assert pixel is None or picture.getpixel((0, 0)) == pixel
    assert notes == []


def test_what_is_transparent_is_white_and_said():
    picture, notes = read_picture(stored(Image.new("RGBA", (1, 1), (0, 0, 0, 0))))
    assert picture.getpixel((0, 0)) == (255, 255, 255)
    assert notes == ["white where it is transparent"]


def test_sixteen_bits_are_reduced_to_eight():
    picture, notes = read_picture(stored(Image.fromarray(np.array([[0, 257, 65535]], np.uint16))))
    assert [picture.getpixel((at, 0)) for at in range(3)] == [0, 1, 255]
    assert notes == ["16 bits reduced to 8"]


def test_of_an_animation_the_first_frame_is_taken_and_said():
    frames = [Image.new("RGB", (2, 2), (shade, shade, shade)) for shade in (0, 128, 255)]
    picture, notes = read_picture(stored(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture.getpixel((0, 0)) == (0, 0, 0)
    assert notes == ["the first of 3 frames"]


def test_forty_megapixels_are_reduced_and_said():
    tracemalloc.start()
    picture, notes = read_picture(stored(Image.new("L", (8000, 5000), 9), "JPEG"))
    tracemalloc.stop()
    assert picture.size[0] * picture.size[1] <= 16_000_000
    assert picture.getpixel((0, 0)) == 9
    (note,) = notes
    assert note.startswith("reduced from 8000 × 5000 px to ")


def test_a_broken_file_is_said_to_be_broken(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    whole = stored(Image.fromarray(noise), "JPEG")
    for cut in (whole[: len(whole) // 2], stored(Image.fromarray(noise))[:200]):
        (tmp_path / "cut.jpg").write_bytes(cut)
        with pytest.raises(ValueError, match=r"cut\.jpg is cut off or broken"):
            read_picture(tmp_path / "cut.jpg")
    for nothing in (b"", b"not a picture"):
        with pytest.raises(ValueError, match="this file is no picture of a kind that can be read"):
            read_picture(nothing)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(ValueError, match="nothing is downloaded"):
        read_picture("https://example.org/cat.jpg")
    with pytest.raises(ValueError, match="is a folder: give a file in it"):
        read_picture(tmp_path)
    with pytest.raises(FileNotFoundError, match="the name of the file is empty"):
        read_picture("")
    with pytest.raises(ValueError, match="a tensor on the device 'meta' has no numbers"):
        read_picture(torch.zeros(1, 2, 2, device="meta"))


@pytest.mark.parametrize(
    ("array", "pixels"),
    [
        (np.array([[0.0, 0.2, 1.0]]), [[0, 51, 255]]),
        (np.array([[True, False]]), [[255, 0]]),
        (np.array([[[7], [8]]], np.uint8), [[7, 8]]),
        (np.array([[3, 255]], np.int64), [[3, 255]]),
        (np.array([[0, 1]], np.int64), [[0, 255]]),
        (np.arange(12, dtype=np.uint8).reshape(3, 2, 2), [[[0, 4, 8], [1, 5, 9]], [[2, 6, 10], [3, 7, 11]]]),
        (torch.tensor([[[5, 6]]], dtype=torch.uint8), [[5, 6]]),
    ],
)
def test_arrays_are_pixels(array, pixels):
    picture, _ = read_picture(array)
    assert np.asarray(picture).tolist() == pixels


def test_whole_numbers_that_are_taken_as_bytes_are_said_to_be():
    assert read_picture(np.array([[3, 255]], np.int64))[1] == ["whole numbers taken as bytes"]
    assert read_picture(np.array([[0, 1]], np.int64))[1] == read_picture(np.array([[3]], np.uint8))[1] == []


@pytest.mark.parametrize(
    "array", [np.zeros(3), np.zeros((0, 2)), np.zeros((2, 2, 5)), np.array([[-1.0]]), np.array([["a"]])]
)
def test_other_arrays_are_no_pictures(array):
    with pytest.raises(ValueError, match="is no picture: wanted"):
        read_picture(array)


def test_other_things_are_no_images():
    with pytest.raises(TypeError, match=r"an image is a path, a PIL image, .* not int"):
        read_picture(5)


def test_a_picture_of_another_shape_covers_the_room_and_is_cut_evenly():
    wide = Image.fromarray(np.array([[0, 0, 90, 90, 255, 255]] * 2, np.uint8))
    assert np.asarray(sized(wide, 2, 2)).tolist() == [[90, 90], [90, 90]]


def test_the_number_of_an_own_image_is_never_used_again():
    first = OwnImage.of(RED)
    number = adopt(first)
    assert own_image(number) is first
    assert adopt(OwnImage.of(RED)) < number < -1000
    del first
    for _ in range(KEPT):
        adopt(OwnImage.of(RED))
    assert not is_own(number)
    with pytest.raises(IndexError, match="no longer kept"):
        own_image(number)
