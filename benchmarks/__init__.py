"""Measurements on one's own machine: speed, bytes on the wire, attacks.

The highest room: it may import every other one. The product may never import it.
"""
