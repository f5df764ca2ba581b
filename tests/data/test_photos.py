"""photos(): what counts as a photo, how it is read, and what its label is."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from cnnwidgets.compute.dataset.items import Items
from cnnwidgets.compute.dataset.naming import OutputNames
from cnnwidgets.data import photos
from cnnwidgets.data.photos import SKIMAGE, read_rgb

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
BYTES = transforms.PILToTensor()


@pytest.fixture
def put(tmp_path):
    """Save a picture in the folder: `put("a/b.png", image)`; one red pixel by default."""

    def save(name: str, image: Image.Image | None = None, **options) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (image or Image.new("RGB", (1, 1), RED)).save(path, **options)
        return path

    return save


def names(dataset, root):
    return [path.relative_to(root).as_posix() for path in dataset.paths]


def test_pictures_are_found_at_every_depth_whatever_the_case_of_their_suffix_and_sorted(put, tmp_path):
    for name in ("z.JPG", "b/c/deep.webp", "b/a.png", "a.jpeg", ".hidden.png", ".cache/a.png", "note.gif"):
        put(name)
    (tmp_path / "readme.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    dataset = photos(tmp_path)
    assert names(dataset, tmp_path) == ["a.jpeg", "b/a.png", "b/c/deep.webp", "z.JPG"]
    assert dataset.skipped == []


def test_broken_files_are_skipped_and_listed_with_the_reason(put, tmp_path):
    put("good.png")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for name in ("cut.jpg", "cut.png", "cut.webp"):
        path = put(name, noise)
        path.write_bytes(path.read_bytes()[:-500])
    (tmp_path / "empty.png").touch()
    (tmp_path / "page.jpg").write_text("<html>404</html>")
    dataset = photos(tmp_path)
    assert names(dataset, tmp_path) == ["good.png"]
    assert [path.name for path, _ in dataset.skipped] == ["cut.jpg", "cut.png", "cut.webp", "empty.png", "page.jpg"]
    reasons = {path.name: reason for path, reason in dataset.skipped}
    assert "truncated" in reasons["cut.jpg"]
    assert "cannot identify image file" in reasons["page.jpg"]
    assert repr(dataset) == "Photos(1 photos, 1 labels, 5 broken files skipped)"


def test_a_phone_held_upright_gives_an_upright_picture(put):
    sideways = Image.new("RGB", (2, 1), RED)
    sideways.putpixel((1, 0), BLUE)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    upright = read_rgb(put("phone.png", sideways, exif=exif))
    assert (upright.size, upright.getpixel((0, 0)), upright.getpixel((0, 1))) == ((1, 2), RED, BLUE)


def palette_with_a_hole() -> Image.Image:
    image = Image.new("P", (1, 1), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.info["transparency"] = 1
    return image


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("L", (1, 1), 128), (128, 128, 128)),
        (Image.new("1", (1, 1), 1), WHITE),
        (Image.new("LA", (1, 1), (10, 0)), WHITE),
        (Image.new("RGBA", (1, 1), (0, 0, 255, 255)), BLUE),
        (Image.new("RGBA", (1, 1), (255, 0, 0, 51)), (255, 204, 204)),  # a fifth red, four fifths white
        (palette_with_a_hole(), WHITE),
        (Image.fromarray(np.full((1, 1), 0x8080, np.uint16)), (128, 128, 128)),  # 16 bits a pixel
    ],
    ids=["grey", "one bit", "grey, transparent", "opaque", "a fifth opaque", "palette", "16 bits"],
)
def test_every_kind_of_png_becomes_rgb(put, image, colour):
    rgb = read_rgb(put("image.png", image))
    assert (rgb.mode, rgb.getpixel((0, 0))) == ("RGB", colour)


def test_a_printers_jpeg_becomes_rgb(put):
    rgb = read_rgb(put("print.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0))))
    assert rgb.mode == "RGB"
    assert np.abs(np.array(rgb.getpixel((4, 4))) - RED).max() < 8


def test_the_default_transform_normalises_as_imagenet_and_a_view_shows_the_photo_as_it_was(put, tmp_path):
    put("wide.png", Image.new("RGB", (600, 300), (51, 102, 255)))
    dataset = photos(tmp_path)
    image, _ = dataset[0]
    assert tuple(image.shape) == (3, 224, 224)
    expected = [(0.2 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert image[:, 112, 112].tolist() == pytest.approx(expected)
    picture = Items(dataset).picture(image)
    assert picture[:, 112, 112].tolist() == pytest.approx([0.2, 0.4, 1.0])


def test_a_transform_of_ones_own_gets_the_picture_in_rgb(put, tmp_path):
    put("grey.png", Image.new("L", (2, 1), 7))
    image, _ = photos(tmp_path, transform=BYTES)[-1]
    assert image.tolist() == [[[7, 7]]] * 3


def test_pictures_right_in_the_folder_are_labelled_with_their_names_and_there_are_no_classes(put, tmp_path):
    put("dog.png"), put("cat.png")
    dataset = photos(tmp_path)
    assert (dataset.labels, dataset.classes) == (["cat", "dog"], [])


def test_pictures_in_subfolders_are_labelled_with_the_folder_they_lie_in(put, tmp_path):
    for name in ("train/bees/1.png", "train/ants/2.png", "val/bees/3.png", "other.png"):
        put(name)
    dataset = photos(tmp_path)
    assert dataset.labels == ["other", "ants", "bees", "bees"]
    assert dataset.classes == ["ants", "bees"]
    items = Items(dataset)
    assert [(items[index].label, items[index].text) for index in range(3)] == [
        (None, "other"),
        (0, "ants"),
        (1, "bees"),
    ]


def test_a_label_is_not_taken_for_an_output_of_a_network_with_other_classes(put, tmp_path):
    put("ants/1.png"), put("tench/2.png")
    items = Items(photos(tmp_path), classes=["goldfish", "tench"])
    names = OutputNames(nn.Linear(1, 2), items)
    assert [(names.truth(items[index], 2), items[index].text) for index in range(2)] == [(None, "ants"), (1, "tench")]


def test_labels_csv_gives_the_numbers_of_the_networks_outputs(put, tmp_path):
    put("n02/cat.png"), put("n01/fish.png"), put("n03/new.png")
    (tmp_path / "labels.csv").write_text("file,class_index,class_name\nn02/cat.png,3,tabby_cat\nn01/fish.png,1,tench\n")
    dataset = photos(tmp_path)
    assert dataset.labels == [1, 3, "n03"]
    assert dataset.classes == ["0", "tench", "2", "tabby cat"]


def test_a_labels_csv_without_those_columns_is_somebody_elses(put, tmp_path):
    put("ants/1.png")
    (tmp_path / "labels.csv").write_text("id,breed\n1,ant\n")
    assert photos(tmp_path).labels == ["ants"]


def test_a_class_that_is_no_number_is_named(put, tmp_path):
    put("ants/1.png")
    (tmp_path / "labels.csv").write_text("file,class_index\nants/1.png,ant\n")
    with pytest.raises(ValueError, match=r"labels\.csv: class_index of ants/1\.png is 'ant', no number"):
        photos(tmp_path)


def test_looping_ends_and_a_loader_makes_batches(put, tmp_path):
    put("a/1.png"), put("b/2.png", Image.new("RGB", (1, 1), BLUE))
    dataset = photos(tmp_path, transform=BYTES)
    assert [label for _, label in dataset] == ["a", "b"]
    images, labels = next(iter(DataLoader(dataset, batch_size=2)))
    assert images.flatten(1).tolist() == [list(RED), list(BLUE)]
    assert list(labels) == ["a", "b"]
    with pytest.raises(IndexError, match="no photo 2; allowed: -2 to 1"):
        dataset[2]


def test_an_empty_folder_says_what_it_has_instead(put, tmp_path):
    with pytest.raises(ValueError, match=r"no pictures \(\.jpg, \.jpeg, \.png, \.webp\) in .*it holds no files at all"):
        photos(tmp_path)
    (tmp_path / "phone.heic").touch()
    with pytest.raises(ValueError, match=r"it holds other files \(1 \.heic\)"):
        photos(tmp_path)


def test_a_folder_of_broken_files_names_the_first(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no png")
    with pytest.raises(ValueError, match=r"that can be read: 1 are broken, the first .*a\.png"):
        photos(tmp_path)


def test_a_folder_that_is_missing_or_a_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder '.*nowhere'"):
        photos(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file' is a file"):
        photos(tmp_path / "file")


def test_without_a_folder_there_are_scikit_images_own_photographs_and_no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("no network is needed")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    dataset = photos()
    assert {"cat", "coffee", "rocket", "astronaut"} <= set(dataset.labels)
    assert dataset.classes == []
    inside = Path(importlib.util.find_spec("skimage").origin).parent
    assert all(path.is_relative_to(inside) for path in dataset.paths)
    assert {SKIMAGE[path.name] for path in dataset.paths} == set(dataset.labels)
    images = torch.stack([image for image, _ in dataset])
    assert tuple(images.shape) == (len(dataset), 3, 224, 224)
    assert images.flatten(1).std(1).min() > 0.1  # none is blank


def test_the_samples_of_imagenet_are_labelled_with_the_networks_numbers(data_root):
    dataset = photos(data_root / "imagenet-samples", transform=BYTES)
    assert (len(dataset), len(set(dataset.labels)), dataset.skipped) == (70, 70, [])
    first = dataset.paths.index(data_root / "imagenet-samples" / "n01443537" / "n01443537_goldfish.JPEG")
    assert (dataset.labels[first], dataset.classes[1]) == (1, "goldfish")
    assert {len(image) for image, _ in dataset} == {3}  # one of them is grey
