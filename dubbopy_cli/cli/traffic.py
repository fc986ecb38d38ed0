"""`traffic`: steer calls between versions."""
