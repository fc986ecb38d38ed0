"""Traffic rules, pure: nothing here reads, writes or runs anything, but for the CRDs that ship with it."""

from dubbopy_cli.traffic.plan import plan as plan
from dubbopy_cli.traffic.validation import validate as validate
from dubbopy_cli.traffic.verify import verify as verify
