"""What a layer does to its input, found by running it: which call of torch, or which function of one number."""

from .arithmetic import Arithmetic, UnknownArithmetic, arithmetic, does, is_plain, sample, watching
from .pointwise import Function, agrees, function_of, probe

__all__ = [
    "Arithmetic",
    "Function",
    "UnknownArithmetic",
    "agrees",
    "arithmetic",
    "does",
    "function_of",
    "is_plain",
    "probe",
    "sample",
    "watching",
]
