"""Many rounds in a row on one federation: whether memory, processes, sockets and files stay as few."""
