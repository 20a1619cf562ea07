"""Reads a pasted error. First the text is cleaned, then evidence is found in it, then the evidence is weighed."""
