"""A tiny client as an artifact: says where it would call, once in a while, until it is told to end."""

import os
import time
from datetime import UTC, datetime

while True:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    print(f"{moment} INFO calling {os.environ.get('DUBBO_SERVER_URL')}", flush=True)
    time.sleep(0.1)
