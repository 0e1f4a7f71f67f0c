"""What becomes of a round when a role, a line, a disk or a clock fails at a step. See docs/faults.md."""
