"""The `isthmus` command: one file for each command group, errors turned into advice, `--format json`.

Only `benchmarks` may import it. It may never hold logic: a command parses, calls one function and prints.
"""
