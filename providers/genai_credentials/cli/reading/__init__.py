"""Reads an error that was pasted: first the text is cleaned, then evidence is found in it, then it is weighed."""
