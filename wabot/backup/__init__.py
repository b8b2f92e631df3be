"""Makes and restores a backup of an installation. Begin reading in make and restore."""
