"""Run the command line with ``python -m dubbopy_cli``."""

from dubbopy_cli.cli.main import main

if __name__ == "__main__":
    main()
