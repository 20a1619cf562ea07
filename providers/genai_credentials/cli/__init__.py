"""The command `genai-credentials`. It needs the extra [cli]."""

from __future__ import annotations

import sys

_NEEDS = frozenset({"click", "rich"})
_INTERRUPTED = 130


def main() -> None:
    """Run the command. Without click or rich, print how to install them, and exit with code 2."""
    try:
        from genai_credentials.cli.app import cli
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDS:
            raise
        sys.stderr.write(
            f"The command genai-credentials needs the package {error.name}. Run: pip install 'genai-credentials[cli]'\n"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    cli(prog_name="genai-credentials")
