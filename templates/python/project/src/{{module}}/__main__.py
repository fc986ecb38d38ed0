"""Run the application: python -m with the name of this package."""

import os
import sys


def run() -> int:
    """Run the program, and return its exit code."""
    # gRPC's C core reads this when it is loaded. Its lines have a form of their own, and
    # what matters in them comes to us as exceptions.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from .app import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
