"""A complete button on simulated silicon: the real board files on a simulated chip, its modem, its holder, its
surroundings."""
