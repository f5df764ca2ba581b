"""A strip of small pictures of a data set to choose an image from, with those marked that the network gets wrong."""

from .picks import PicksImages

__all__ = ["PicksImages"]
