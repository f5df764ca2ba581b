"""Which pixels a unit sees, and which of them influence it."""

from .between import fields_between
from .effective import effective_receptive_field, unit_gradient
from .fields import Box, Pixels, ReceptiveField, ReceptiveFields, pair, text
from .theoretical import fields_of, receptive_field, receptive_fields

__all__ = [
    "Box",
    "Pixels",
    "ReceptiveField",
    "ReceptiveFields",
    "effective_receptive_field",
    "fields_between",
    "fields_of",
    "pair",
    "receptive_field",
    "receptive_fields",
    "text",
    "unit_gradient",
]
