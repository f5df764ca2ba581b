"""What views are made of; never imports a view."""

from .shown import colab

colab.enable()
