"""`python -m genai_credentials`: the command, where its script is not on the PATH."""

from genai_credentials.cli import main

if __name__ == "__main__":
    main()
