"""From the firmware's sources to bytecode, to a board's files, and to signed bundles."""
