"""What the site takes from elsewhere in the repository: the notebooks, with the outputs that are stored in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
ORDER = ("quickstart", "lenet5_mnist", "lenet5_fashion_mnist", "alexnet", "training", "resnet_transfer")


def found() -> list[Path]:
    """The notebooks, in the order in which one reads them."""
    paths = {path.stem: path for path in NOTEBOOKS.glob("*.ipynb")}
    return [paths[name] for name in ORDER if name in paths] + [
        path for name, path in sorted(paths.items()) if name not in ORDER
    ]


def on_config(config: Any) -> Any:
    """The notebooks in the menu, in place of the word `notebooks`."""
    for entry in config.nav:
        if isinstance(entry, dict) and entry.get("Notebooks") == "notebooks":
            entry["Notebooks"] = [f"notebooks/{path.name}" for path in found()[1:]]
    return config


@event_priority(100)  # before the plugin that renders notebooks looks for them
def on_files(files: Files, config: Any) -> Files:
    """The notebooks among the pages."""
    for path in found():
        files.append(File.generated(config, f"notebooks/{path.name}", abs_src_path=str(path)))
    return files
