"""Pages for a supervisor: runs, parties, borders and grants, shown from evidence packs alone.

Whoever reads them has no key and no data, and needs none. `shelf` reads the packs of a folder, `gathering`
takes from each run what the pages show, `pages` writes HTML without a script, and `app` serves it.
"""
