"""The only sockets, files and processes. Nothing here decides anything about races."""
