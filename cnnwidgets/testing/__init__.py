"""Hold a view, ours or your own, to the contract of `ModelView`, and a model to what it was before somebody looked."""

from .contract import ContractError, check_view
from .state import deep_state, different, values_of

__all__ = ["ContractError", "check_view", "deep_state", "different", "values_of"]
