"""Real servers as supervised child processes, each started only where none is configured."""
