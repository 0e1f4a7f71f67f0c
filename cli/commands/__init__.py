"""One module for each command or command group; `cli.main` loads the one that was called.

Only `cli.main` imports it. A module here may never import a heavy library at its top.
"""
