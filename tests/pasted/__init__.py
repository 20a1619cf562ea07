"""Texts of errors, as people paste them: what the API and others answer, crossed with the shapes that it is told in."""
