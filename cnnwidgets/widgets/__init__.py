"""What views are made of; never imports a view."""

from .base import colab

colab.enable()
