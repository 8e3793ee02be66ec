"""The settings, one section a file. One TOML file holds them all, each of them documented."""
