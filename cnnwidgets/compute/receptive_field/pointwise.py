"""Which operations work number by number: output (i, j) depends on numbers (i, j) of what is given, and on no other.

Torch tags them, but not all, and each version others. What is in this table does not hang on the version.
"""

from __future__ import annotations

from typing import Any

import torch

# fmt: off
ACTIVATIONS = {
    "_prelu_kernel", "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "log_sigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink",
    "tanh", "threshold",
}
ARITHMETIC = {
    "abs", "add", "addcdiv", "addcmul", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "copysign", "div", "exp",
    "exp2", "expm1", "float_power", "floor", "floor_divide", "fmax", "fmin", "fmod", "frac", "frexp", "gcd",
    "heaviside", "hypot", "lcm", "ldexp", "lerp", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logit",
    "maximum", "minimum", "mul", "nan_to_num", "neg", "nextafter", "positive", "pow", "reciprocal", "remainder",
    "round", "rsqrt", "rsub", "sgn", "sign", "sqrt", "square", "sub", "true_divide", "trunc", "xlogy",
}
FUNCTIONS = {
    "acos", "acosh", "angle", "asin", "asinh", "atan", "atan2", "atanh", "complex", "conj", "conj_physical", "_conj",
    "cos", "cosh", "deg2rad", "digamma", "erf", "erfc", "erfinv", "i0", "igamma", "igammac", "imag", "lgamma",
    "mvlgamma", "polar", "polygamma", "rad2deg", "real", "sin", "sinc", "sinh", "tan",
}
LOGIC = {
    "__and__", "__ilshift__", "__ior__", "__iand__", "__ixor__", "__lshift__", "__or__", "__rshift__", "__xor__",
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "eq", "ge",
    "gt", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "le", "logical_and", "logical_not", "logical_or",
    "logical_xor", "lt", "ne", "signbit",
}
CHOOSING = {"as_strided_", "bernoulli", "copy", "masked_fill", "tril", "triu", "where"}
# fmt: on
POINTWISE = frozenset(ACTIVATIONS | ARITHMETIC | FUNCTIONS | LOGIC | CHOOSING)

TAG: Any = torch.Tag.pointwise


def is_pointwise(func: Any) -> bool:
    """Whether an operation of ATen works number by number: as the table says, or as torch does."""
    name = func._schema.name.split("::")[-1]
    if name.startswith("special_"):  # those that are not are made of other operations
        return True
    if name in ("max", "min"):  # of two tensors; the others reduce
        return any(argument.name == "other" for argument in func._schema.arguments)
    return bool({name, name.removesuffix("_")} & POINTWISE) or TAG in func.tags
