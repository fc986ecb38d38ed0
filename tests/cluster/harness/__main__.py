"""``python -m tests.cluster.harness``."""

import sys

from tests.cluster.harness.cli import main

sys.exit(main())
