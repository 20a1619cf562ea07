"""Runs the command as `python -m genai_credentials`, for machines on which its script is not on the PATH."""

from genai_credentials.cli import main

if __name__ == "__main__":
    try:
        main()
    finally:
        # A Ctrl-C in code that was run from a text, such as a dataclass of an import, leaves a mark in CPython. Unless
        # another text is run, `python -m` ends by SIGINT, whatever the exit code of the command is.
        exec("")  # noqa: S102
