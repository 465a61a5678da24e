"""One file a command; `stretto.cli.main` says which there are."""
