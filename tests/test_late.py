"""What is imported when it is first needed moves no random number, in a process that has not imported it yet."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from cnnwidgets.late import imported

START = """
import random, numpy as np, torch, cnnwidgets as cw
from torch import nn
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 3))
images = torch.rand(6, 1, 8, 8)
data = [(image, number % 2) for number, image in enumerate(images)]
vectors = np.random.rand(2, 12, 5)
random.seed(0), np.random.seed(0), torch.manual_seed(0)
def state():
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()
before = state()
"""
ENTRIES = {
    "view of an embedding": "cw.EmbeddingView(model, data, '3')",
    "embedding by PCA": "cw.embed(vectors, 'pca', progress=False)",
    "embedding by t-SNE": "cw.embed(vectors, 'tsne', progress=False)",
    "clusters": "from cnnwidgets.compute.embedding import clusters; clusters(vectors, 2)",
    "digits": "cw.data.digits()",
    "attributions": "cw.attributions(model, images)",
    "view of attributions": "cw.AttributionView(model, data)",
    "rank correlation": "cw.rank_correlation(images[0], images[1])",
    "stability": "cw.stability(model, images[0], 'rotate', [0, 10])",
    "filters in order": "cw.FilterView(model, layer='0')",
    "occlusion": "cw.occlusion(model, images, window=4, stride=4, progress=False)",
    "table": "cw.layer_table(model, images)._repr_html_(); cw.layer_table(model, images).to_frame()",
    "colours": "cw.ActivationView(model, data, colormap='magma')",
    "photos": "from cnnwidgets.data.photos import imagenet; imagenet()",
    "training": "t = cw.Trainer(model, nn.functional.cross_entropy, torch.optim.SGD(model.parameters(), 0.0)); "
    "t.history.to_frame()",
}


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_first_call_of_a_process_moves_no_random_number(entry):
    code = f"{START}\n{entry}\nafter = state()\nprint([one == other for one, other in zip(before, after)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("[True, True, True]"), done.stdout + done.stderr


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library whose import draws from every random state; its name."""
    (tmp_path / "drawing_library.py").write_text(
        "import random, numpy, torch\nvalue = random.random(), numpy.random.rand(), torch.rand(1)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "drawing_library"
    sys.modules.pop("drawing_library", None)


def numbers():
    return random.random(), np.random.rand(), torch.rand(1).item()


def seed():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def test_a_library_that_draws_while_it_is_imported_changes_no_number_that_follows(library):
    seed()
    expected = numbers()
    seed()
    assert len(imported(library).value) == 3
    assert numbers() == expected
    assert imported(library) is sys.modules[library]


def test_an_import_that_fails_moves_no_random_number_either(library, tmp_path):
    with (tmp_path / "drawing_library.py").open("a") as file:
        file.write("import no_such_library\n")
    seed()
    expected = numbers()
    seed()
    with pytest.raises(ImportError, match="no_such_library"):
        imported(library)
    assert numbers() == expected
