"""Floor 6: the `stretto` command. One file a command in `commands/`, each imported when it is called."""
