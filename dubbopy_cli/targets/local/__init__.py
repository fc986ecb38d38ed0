"""The local target: instances under supervisord, one Envoy as the mesh, on loopback only."""
