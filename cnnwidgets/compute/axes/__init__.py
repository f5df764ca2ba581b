"""Which axis of a tensor is the channels: followed through a pass, or told by the sizes that are known."""

from .evidence import Evidence
from .following import AxisFollowing, following_axes
from .roles import Layout, Roles, layout_by_roles

__all__ = ["AxisFollowing", "Evidence", "Layout", "Roles", "following_axes", "layout_by_roles"]
