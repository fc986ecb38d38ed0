"""Moving calls to a version step by step: the steps, what speaks against going on, and the record of it; pure."""
