"""Helpers for the ten lessons; importing the package stays light and never loads TensorFlow."""

__version__ = "0.1.0"
