"""Traffic rules, pure: nothing here reads, writes or runs anything."""

from dubbopy_cli.traffic.plan import plan as plan
from dubbopy_cli.traffic.verify import verify as verify
