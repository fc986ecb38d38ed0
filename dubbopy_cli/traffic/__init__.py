"""Traffic rules, pure: nothing here reads, writes or runs anything."""
