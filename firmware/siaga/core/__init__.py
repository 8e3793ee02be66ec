"""Pure parts of the button: no machine, no asyncio, no clock, no files; all state is in the arguments."""
