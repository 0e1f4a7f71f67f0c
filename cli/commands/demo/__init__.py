"""Run a federation on this machine: an aggregator, party nodes, one round, a report. One command a shape."""

from cli.commands.demo.horizontal import horizontal
from cli.commands.demo.hybrid import hybrid
from cli.commands.demo.vertical import command

command.add_command(horizontal)
command.add_command(hybrid)

__all__ = ["command"]
