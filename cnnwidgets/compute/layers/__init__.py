"""Which layers there are, in running order, and what each puts out."""

from .activations import Axes, activations, arguments_of, batched, run
from .arithmetic import Arithmetic, UnknownArithmetic, arithmetic, does, is_plain, sample, watching
from .company import apart, mixes_images, mixes_rows
from .kinds import kind_of, token_grid
from .layer import Layer, LayerTable
from .operations import GraphRunner, Trace, run_operations, trace
from .table import (
    checked_operations,
    describe_module,
    drawable,
    extra_tokens,
    layer_table,
    map_size,
    one_image,
    table_of,
    type_name,
    with_operations,
)
from .tabular import to_html, to_text
from .tracing import Traced, traced

__all__ = [
    "Arithmetic",
    "Axes",
    "GraphRunner",
    "Layer",
    "LayerTable",
    "Trace",
    "Traced",
    "UnknownArithmetic",
    "activations",
    "apart",
    "arguments_of",
    "arithmetic",
    "batched",
    "checked_operations",
    "describe_module",
    "does",
    "drawable",
    "extra_tokens",
    "is_plain",
    "kind_of",
    "layer_table",
    "map_size",
    "mixes_images",
    "mixes_rows",
    "one_image",
    "run",
    "run_operations",
    "sample",
    "table_of",
    "to_html",
    "to_text",
    "token_grid",
    "trace",
    "traced",
    "type_name",
    "watching",
    "with_operations",
]
