"""Pure parts of the button: no hardware, no asyncio, no clock, no files; all state is in the arguments."""
