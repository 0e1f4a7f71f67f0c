"""A whole federation in one folder, for a demonstration or a rehearsal on one machine.

The only place that may look into every party's folder at once: it owns them all. Nothing of a real
deployment imports it.
"""
