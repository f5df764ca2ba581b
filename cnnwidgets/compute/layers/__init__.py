"""Which layers there are, in running order, and what each puts out."""

from .activations import Axes, activations, arguments_of, batched, run
from .company import apart, mixes_images, mixes_rows
from .kinds import kind_of, token_grid
from .layer import Layer, LayerTable
from .maps import drawable, extra_tokens, map_size, one_image
from .operations import GraphRunner, Trace, run_operations, trace
from .sites import Place, Site, caller, operated, place_of, step_of
from .table import (
    checked_operations,
    describe_module,
    layer_table,
    table_of,
    type_name,
    with_operations,
)
from .tracing import Traced, traced

__all__ = [
    "Axes",
    "GraphRunner",
    "Layer",
    "LayerTable",
    "Place",
    "Site",
    "Trace",
    "Traced",
    "activations",
    "apart",
    "arguments_of",
    "batched",
    "caller",
    "checked_operations",
    "describe_module",
    "drawable",
    "extra_tokens",
    "kind_of",
    "layer_table",
    "map_size",
    "mixes_images",
    "mixes_rows",
    "one_image",
    "operated",
    "place_of",
    "run",
    "run_operations",
    "step_of",
    "table_of",
    "token_grid",
    "trace",
    "traced",
    "type_name",
    "with_operations",
]
