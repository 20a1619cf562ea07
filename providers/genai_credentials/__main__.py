"""Runs the command as `python -m genai_credentials`, for machines on which its script is not on the PATH."""

from genai_credentials.cli import main

if __name__ == "__main__":
    main()
