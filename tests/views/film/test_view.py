from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import ipywidgets as W
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from torch import nn

from cnnwidgets import FilmView, Recorder, Recording
from cnnwidgets.render.static import movie
from cnnwidgets.widgets.panels import PanelBox
from tests.widgets.conftest import EVIL, control, decoded, inside, said, titled

WEIGHTS = (1.0, 2.0, 4.0, -8.0)


def recorded(path, classes=("zero", "one")):
    """`conv` makes w x and -2 w x of an image x; w is 1 before training, then 2, 4 and -8 after steps of two epochs."""
    layers = OrderedDict(conv=nn.Conv2d(1, 2, 1, bias=False), relu=nn.ReLU(inplace=True), flat=nn.Flatten())
    layers["fc"] = nn.Linear(8, 2, bias=False)
    model = nn.Sequential(layers)
    nn.init.ones_(model.fc.weight)

    def become(weight):
        with torch.no_grad():
            model.conv.weight.copy_(torch.tensor([weight, -2 * weight]).reshape(2, 1, 1, 1))

    become(WEIGHTS[0])
    image = torch.arange(1.0, 5).reshape(1, 2, 2)
    recorder = Recorder(
        model,
        ["conv", "relu", "fc"],
        [(image, 1), (-image, 0)],
        path,
        every=1,
        gradients=True,
        inputs=True,
        classes=classes,
    )
    with recorder:
        for step, weight in enumerate(WEIGHTS[1:]):
            model(10 * image[None]).sum().backward()
            become(weight)
            recorder.step(step // 2, step % 2, of=2, loss=1 / (step + 1))
    return recorder


@pytest.fixture
def film(tmp_path):
    recorded(tmp_path / "film")
    return Recording.open(tmp_path / "film")


IMAGE = np.array([[1.0, 2], [3, 4]])


def slider(view):
    return control(view, "Frame", W.IntSlider)


def play(view):
    return next(part for part in inside(view) if isinstance(part, W.Play))


def ends(view, key="maps"):
    """What stands below the colour scale of a panel."""
    return view.panel(key).colorbar[1:]


def test_a_film_begins_before_training_and_every_frame_has_its_maps(film):
    view = FilmView(film)
    assert view.frame == 0
    for frame, weight in enumerate(WEIGHTS):
        view.frame = frame
        assert view.maps.tolist() == [(weight * IMAGE).tolist(), (-2 * weight * IMAGE).tolist()]


def test_the_slider_and_the_player_are_the_trait(film):
    view = FilmView(film)
    slider(view).value = 2
    assert (view.frame, play(view).value) == (2, 2)
    play(view).value = 3
    assert (view.frame, slider(view).value) == (3, 3)
    assert view.maps[0].tolist() == (-8 * IMAGE).tolist()


def test_the_film_has_one_scale_and_a_frame_its_own(film):
    view = FilmView(film)
    assert ends(view) == ("−64", "0", "64")
    view.frame = 3
    assert ends(view) == ("−64", "0", "64")
    view.frame, view.scale = 0, "frame"
    assert ends(view) == ("−8", "0", "8")
    view.scale = "map"
    assert ends(view, "channel") == ("−4", "0", "4")


def test_what_has_no_negative_number_in_the_whole_film_keeps_a_sequential_map(film):
    view = FilmView(film, layer="relu")
    assert view.panel("maps").colorbar == ("viridis", "0", None, "64")


@pytest.mark.parametrize(("difference", "factors"), [("first", [0, 1, 3, -9]), ("previous", [0, 1, 2, -12])])
def test_differences_are_to_the_first_or_the_previous_frame(film, difference, factors):
    view = FilmView(film, difference=difference)
    for frame, factor in enumerate(factors):
        view.frame = frame
        assert view.maps[0].tolist() == (factor * IMAGE).tolist()
    limit = 8 * max(map(abs, factors))
    assert ends(view) == (f"−{limit}", "0", f"{limit}")


def test_small_differences_have_a_small_scale():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    recorder = Recorder(model, "0", torch.ones(1, 1, 2, 2), every=1)
    with torch.no_grad():
        model[0].weight += 0.125
    recorder.step(0, 0)
    assert ends(FilmView(recorder, difference="first")) == ("−0.125", "0", "0.125")


def test_filters_are_shown_kernel_by_kernel(film):
    view = FilmView(film, what="filters", frame=2)
    assert view.layers.names == ["conv"]
    assert view.maps.tolist() == [[[4.0]], [[-8.0]]]
    assert ends(view) == ("−16", "0", "16")


def test_gradients_begin_with_the_first_frame_that_has_some(film):
    view = FilmView(film, what="gradients", layer="relu")
    assert (view.frame, slider(view).min, play(view).min) == (1, 1, 1)
    assert view.maps.tolist() == np.full((2, 2, 2), 2.0).tolist()  # both units of fc pass on a 1
    assert view.scale == "frame"
    view.what = "maps"
    assert (slider(view).min, view.scale) == (0, "film")
    view.frame = 0
    view.what = "gradients"
    assert view.frame == 1


def test_the_maps_of_the_batch_are_those_of_its_image(film):
    view = FilmView(film, what="batch", frame=2)
    assert view.maps[0].tolist() == (40 * IMAGE).tolist()
    assert view.panel("image").heading == "Batch image · the first"


def test_probes_have_their_labels_and_vectors_their_class_names(film):
    view = FilmView(film, layer="fc")
    assert view.panel("image").heading == "Probe 0 · label: one"
    assert "zero" in said(view.panel("channel"))
    view.probe = 1
    assert view.panel("image").heading == "Probe 1 · label: zero"


def test_the_moment_is_named(film):
    view = FilmView(film, frame=2)
    assert "end of epoch 0" in titled(view)
    assert "step 2 loss 0.5" in said(view.panel("moment"))
    view.frame = 3
    assert "epoch 1 · batch 0" in titled(view)


def test_a_click_chooses_a_channel_and_a_layer_with_fewer_moves_it(film):
    view = FilmView(film)
    view.panel("maps").on_cell(1)
    assert view.channel == 1
    view.what = "filters"
    assert view.channel == 1
    view.what, view.layer = "maps", "relu"
    assert view.channel == 1


def test_only_what_is_seen_is_read(film, monkeypatch):
    from cnnwidgets.training.recording import storage

    view, read, asked = FilmView(film), storage.read, []

    def counted(path, name, at=None, **options):
        asked.append((name, at))
        return read(path, name, at, **options)

    monkeypatch.setattr(storage, "read", counted)
    view.frame = 2
    assert asked == [("maps/conv", 0)]
    view.channel, view.scale, view.columns = 1, "map", 1
    assert len(asked) == 1


def test_a_recorder_that_goes_on_is_followed(tmp_path):
    recorder = recorded(tmp_path / "film")
    view = FilmView(recorder, frame=3)
    recorder.step(1, 1, of=2)
    view.refresh()
    assert (view.frame, slider(view).max, play(view).max) == (4, 4, 4)
    view.frame = 1
    recorder.step(2, 0, of=2)
    view.refresh()
    assert (view.frame, slider(view).max) == (1, 5)


def test_a_frame_that_was_dropped_meanwhile_is_one_line_and_the_next_clears_it(film):
    view = FilmView(film)
    film.frames[2].file.unlink()
    view.frame = 2
    assert "no longer there" in view.error
    view.frame = 3
    assert view.error == ""
    view.refresh()
    assert slider(view).max == 2


def test_maps_that_are_not_finite_have_their_colour(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.constant_(model[0].weight, torch.nan)
    view = FilmView(Recorder(model, "0", torch.ones(1, 1, 2, 2)), difference="first")
    assert (view.panel("maps").pixels == 255).any()
    assert "not finite 4 of 4 pixels" in said(view.panel("channel"))


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"layer": "conf"}, LookupError, "did you mean 'conv'"),
        ({"what": "filters", "layer": "relu"}, LookupError, "layers: conv"),
        ({"frame": 4}, IndexError, "frame 4 is out of range: there are 4, 0 to 3"),
        ({"probe": 2}, IndexError, "probe 2 is out of range: there are 2"),
        ({"channel": 2}, IndexError, "channel 2 is out of range"),
        ({"plane": 1}, IndexError, "plane 1 is out of range"),
        ({"columns": -1}, ValueError, "columns must be 0"),
        ({"scale": "layer"}, Exception, "scale"),
        ({"chanel": 1}, TypeError, "did you mean 'channel'"),
    ],
)
def test_what_does_not_fit_the_film_is_refused(film, given, error, said):
    with pytest.raises(error, match=said):
        FilmView(film, **given)
    if "chanel" not in given:
        view, (name, value) = FilmView(film, what=given.pop("what", "maps")), *given.items()
        with pytest.raises(error, match=said):
            setattr(view, name, value)


def test_what_was_not_recorded_is_refused():
    recorder = Recorder(nn.Sequential(nn.Conv2d(1, 1, 1)), "0", torch.ones(1, 1, 2, 2), weights=False)
    with pytest.raises(ValueError, match="the film has no filters; it has 'maps'"):
        FilmView(recorder, what="filters")
    with pytest.raises(TypeError, match="not int"):
        FilmView(3)


def test_names_from_outside_are_text(tmp_path):
    recorded(tmp_path / "film", classes=(EVIL, EVIL))
    view = FilmView(tmp_path / "film", layer="fc")
    assert not any(
        EVIL in part.value for part in inside(view) if hasattr(part, "value") and isinstance(part.value, str)
    )


def test_filters_are_of_no_image_and_the_maps_of_a_probe_have_theirs_again(film):
    view = FilmView(film)
    image = view.panel("image").drawn()
    boxes = [part for part in inside(view) if isinstance(part, PanelBox)]
    view.what = "filters"
    assert (view.panel("image").heading, view.panel("image").pixels) == ("No image", None)
    assert [part for part in inside(view) if isinstance(part, PanelBox)] == boxes  # nothing is laid out again
    view.what = "maps"
    assert np.array_equal(view.panel("image").drawn(), image)


def test_a_batch_image_that_was_not_recorded_is_said_to_be_missing_on_the_page_and_in_the_picture(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 1, 1))
    recorder = Recorder(model, "0", torch.ones(1, 1, 2, 2), tmp_path, every=1, gradients=True, inputs=False)
    with recorder:
        model(torch.ones(1, 1, 2, 2)).sum().backward()
        recorder.step(0, 0)
    view = FilmView(recorder, what="gradients")
    assert view.panel("image").heading == "Batch image · not recorded"
    assert view.panel("image").pixels is None
    assert view.static().panels[0][0] is view.panel("image")


def test_channel_and_kind_can_be_set_together_where_the_layer_has_nothing_of_the_kind(film):
    view = FilmView(film, layer="relu")
    with view.hold_trait_notifications():
        view.what = "filters"
        view.channel = 1
    assert (view.layer, view.channel, view.maps.tolist()) == ("conv", 1, [[[1.0]], [[-2.0]]])


def test_controls_are_named_after_what_is_seen(film):
    view = FilmView(film)
    assert control(view, "Channel", W.IntSlider) and control(view, "Slice", W.IntSlider)
    view.layer = "fc"
    assert control(view, "Unit", W.IntSlider)
    view.what = "filters"
    assert control(view, "Kernel", W.IntSlider)


def test_what_the_display_changes_reads_nothing_and_sends_no_image_again(film, messages, monkeypatch):
    from cnnwidgets.training.recording import storage

    view, read = FilmView(film, what="batch", frame=2), []
    keep = storage.read
    monkeypatch.setattr(storage, "read", lambda path, name, at=None: read.append(name) or keep(path, name, at))
    before = view.panel("image").pixels
    view.channel, view.scale, view.colormap = 1, "map", "magma"
    assert read == []
    assert view.panel("image").pixels is before
    view.frame = 3  # trained on the same image
    assert view.panel("image").pixels is before


def test_a_move_sends_no_more_messages_than_what_changes_takes(film, messages):
    view = FilmView(film)
    for trait, value, most in (("frame", 1, 7), ("frame", 2, 7), ("channel", 1, 6), ("pixel", (0, 0), 2)):
        messages.clear()
        setattr(view, trait, value)
        assert 0 < len(messages) <= most, (trait, value, len(messages))


def test_the_static_card_has_the_very_panels_of_the_page(film):
    view = FilmView(film, channel=1)
    (image, moment), grid, detail = view.static().panels
    for key, panel in (("image", image), ("moment", moment), ("maps", grid), ("channel", detail)):
        assert view.panel(key) is panel
    assert grid.marks == [grid.cells.box(1)]


# ---------------------------------------------------------------------- as a file


@pytest.mark.parametrize("traits", [{}, {"layer": "fc"}, {"what": "filters"}, {"scale": "map"}, {"columns": 1}])
def test_a_film_as_a_file_has_the_panels_of_the_page(film, traits):
    view = FilmView(film, **traits)
    for frame in range(len(WEIGHTS)):
        scene = view.scene(frame)
        panels = [*scene.moment_panels(), scene.grid()]
        view.frame = frame
        shown = [view.panel(panel.key) for panel in panels]
        assert [panel.heading for panel in panels] == [panel.heading for panel in shown]
        assert [panel.lines for panel in panels] == [panel.lines for panel in shown]
        assert [panel.colorbar for panel in panels] == [panel.colorbar for panel in shown]
        assert all(np.array_equal(one.drawn(), other.drawn()) for one, other in zip(panels, shown, strict=True))
        assert (scene.title(), scene.status()) == (view.title(), view.status())


def test_looking_at_another_frame_leaves_the_view_where_it_is(film):
    view = FilmView(film)
    before = view.picture()
    view.scene(3).grid()
    assert view.frame == 0 and np.array_equal(view.picture(), before)


def test_the_static_picture_has_the_maps_of_the_frame(film, tmp_path):
    view = FilmView(film)
    before = view.picture()
    view.frame = 3
    assert not np.array_equal(view.picture(), before)
    assert decoded(view.save(tmp_path / "a.png").read_bytes()).shape[:2] == view.picture().shape[:2]


def test_a_gif_has_a_picture_for_every_frame_and_leaves_the_view_alone(film, tmp_path):
    view = FilmView(film, frame=2)
    path = view.export(tmp_path / "film.gif", seconds=0.5)
    with Image.open(path) as gif:
        pictures = [np.asarray(picture.convert("RGB")) for picture in ImageSequence.Iterator(gif)]
        assert gif.info["duration"] == 500
    assert len(pictures) == 4
    assert all(not np.array_equal(a, b) for a, b in pairwise(pictures))
    assert view.frame == 2
    assert [file.name for file in tmp_path.glob("*.*")] == ["film.gif"]


def test_an_export_that_cannot_be_is_refused_before_the_work(film, tmp_path):
    view = FilmView(film)
    with pytest.raises(ValueError, match="seconds must be above 0, not 0"):
        view.export(tmp_path / "film.gif", seconds=0)
    with pytest.raises(ValueError, match=r"written as \.gif, \.mp4 or \.png, not '\.jpg'"):
        view.save(tmp_path / "film.jpg")
    with pytest.raises(OSError, match="no such folder, or no permission"):
        view.export(tmp_path / "none" / "film.gif")
    with pytest.raises(IndexError, match="frame 99 is not there"):
        view.export(tmp_path / "film.gif", frames=99)
    assert list(tmp_path.glob("*.gif")) == []


def test_save_writes_a_picture_or_the_film_by_the_ending(film, tmp_path):
    view = FilmView(film)
    with Image.open(view.save(tmp_path / "film.gif")) as gif, Image.open(view.save(tmp_path / "now.png")) as png:
        assert gif.n_frames == 4
        assert png.size == view.picture().shape[1::-1]


def test_what_is_said_of_the_scale_holds_for_all_frames_that_are_seen(film):
    view = FilmView(film, scale="frame", frame=2)
    low, _, high = ends(view)
    assert f"this frame, {low} to {high}" in view.status()
    assert view.scene(2).status(several=True).startswith("scale: each frame its own")
    assert high not in view.scene(2).status(several=True)
    view.scale = "film"
    assert view.scene(2).status(several=True) == view.status()
    view.close()


def test_the_units_of_a_vector_have_no_scale_each(film):
    view = FilmView(film, layer="fc", scale="map", frame=1)
    assert view.status().startswith("scale: this frame, 0 to 20")
    assert view.scene(1).status(several=True).startswith("scale: each frame its own")
    assert ends(view) == ("0", None, "20")
    view.close()


def test_a_sheet_has_the_frames_that_were_asked_for(film, tmp_path):
    view = FilmView(film)
    one = Image.open(view.export(tmp_path / "one.png", frames=[3])).size
    two = Image.open(view.export(tmp_path / "two.png", frames=[0, 3])).size
    eight = Image.open(view.export(tmp_path / "all.png", frames=[0, 1, 2, 3, 0, 1, 2, 3])).size
    assert one[0] < two[0] < eight[0]
    assert one[1] == two[1] < eight[1]


def test_an_mp4_is_what_ffmpeg_makes_of_the_pixels(film, tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\nfor last; do :; done\necho "$@" > "$last"\ncat | wc -c >> "$last"\n')
    program.chmod(0o755)
    monkeypatch.setattr(movie, "_ffmpeg", lambda: str(program))
    text, count = FilmView(film).export(tmp_path / "film.mp4", seconds=0.25).read_text().splitlines()
    width, height = map(int, text.partition(" -s ")[2].split()[0].split("x"))
    assert (width % 2, height % 2) == (0, 0)
    assert "-r 4 " in text
    assert int(count) == 4 * 3 * width * height


def test_an_ffmpeg_that_fails_says_why_and_leaves_nothing(film, tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(movie, "_ffmpeg", lambda: str(program))
    with pytest.raises(RuntimeError, match="no such codec"):
        FilmView(film).export(tmp_path / "film.mp4")
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob(".*"))


def test_without_ffmpeg_there_is_a_way_out(film, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(RuntimeError, match=r"pip install imageio-ffmpeg, or write a .gif"):
        FilmView(film).export(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("name", "given", "error", "said"),
    [
        ("film.avi", {}, ValueError, r"as .gif, .mp4 or .png, not '.avi'"),
        ("film.gif", {"frames": []}, ValueError, "no frames"),
        ("film.gif", {"frames": [9]}, IndexError, "frame 9 is not there; frames: 0 to 3"),
        ("film.gif", {"seconds": -1}, ValueError, "seconds must be above 0"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused(film, tmp_path, name, given, error, said):
    with pytest.raises(error, match=said):
        FilmView(film).export(tmp_path / name, **given)


# ---------------------------------------------------------------------- files that are damaged


def damage(film, frame, values):
    """Change a bit of these numbers in the file of a frame."""
    file = film.frames[frame].file
    data = bytearray(file.read_bytes())
    data[data.index(np.float32(values).tobytes())] ^= 1
    file.write_bytes(data)


def test_a_frame_that_is_damaged_says_so_and_the_others_are_shown(film, tmp_path):
    damage(film, 2, 4 * IMAGE)
    view = FilmView(film, frame=1)
    view.frame = 2
    view.flush()
    assert "frame-00000002.safetensors is damaged: the checksum of its maps/conv, entry 0 is wrong" in view.error
    view.frame = 3
    assert np.array_equal(view.maps[0], -8 * IMAGE)
    assert "is damaged" not in view.error
    assert "frame-00000002.safetensors is damaged" in view.status()
    view.probe, view.frame = 1, 2
    assert np.array_equal(view.maps[0], -4 * IMAGE)  # of this probe nothing is lost
    view.probe, view.frame, view.difference = 0, 3, "first"
    assert np.array_equal(view.maps[0], -9 * IMAGE)
    with pytest.warns(
        UserWarning, match="left out of film.gif, since their files are damaged: epoch 0 · batch 1|end of epoch 0"
    ):
        path = view.export(tmp_path / "film.gif")
    with Image.open(path) as gif:
        assert gif.n_frames == 3


def test_a_film_whose_first_frame_is_damaged_begins_with_the_second(film):
    damage(film, 0, IMAGE)
    assert FilmView(film).frame == 1
    assert FilmView(film, probe=1).frame == 0


def test_frames_that_are_lost_are_said_below_the_film(film):
    for frame in (1, 2):
        film.frames[frame].file.unlink()
    with pytest.warns(UserWarning, match="is lost"):
        view = FilmView(Recording.open(film.path))
    assert "2 files are lost or damaged" in view.status()


def test_a_film_whose_probes_are_lost_shows_its_maps(film):
    (film.path / "probes.safetensors").unlink()
    with pytest.warns(UserWarning, match="has lost its probes"):
        view = FilmView(Recording.open(film.path))
    assert np.array_equal(view.maps[0], IMAGE)
