"""Writes the page anew."""

from .page import PAGE, text

PAGE.write_text(text())
