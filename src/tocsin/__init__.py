"""Tocsin: a city's epidemic situation awareness, analysis and early warning.

As a library, the pure parts need no city and no store: ``tocsin.detect``, ``tocsin.scan`` and
``tocsin.estimate`` take and return NumPy arrays.
"""

__version__ = "0.1.0"
