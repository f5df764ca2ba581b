"""How a notebook becomes slides: `jupyter nbconvert --config notebooks/slides.py notebooks/quickstart.ipynb`."""

from pathlib import Path

c = get_config()  # noqa: F821
c.NbConvertApp.export_format = "slides"
c.SlidesExporter.extra_template_basedirs = [str(Path(__file__).parent)]
c.SlidesExporter.template_name = "slides"  # the folder beside this file
c.SlidesExporter.reveal_width, c.SlidesExporter.reveal_height = "1280", "720"
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
