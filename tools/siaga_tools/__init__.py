"""Tools for installers and developers: the `siaga` command, the virtual button and the demo."""
