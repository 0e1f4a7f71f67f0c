"""Where a party's rows come from. One module for each kind of source, behind one interface.

    source       the interface: the names of the columns, and one snapshot of the rows with its digest
    files        a CSV, gzipped CSV or Parquet file
    database     a table or a query of PostgreSQL or SQLite, in a session that can only read
    folder       a folder of Parquet files, also one that is partitioned
    cells        what a typed source stores, as the columns that a file of the same table would give
    fingerprint  the order and the digest of rows that come in no order

Nothing here loads a driver, pandas or Arrow before a source is read.
"""

from __future__ import annotations

from parties.connectors.database import Database
from parties.connectors.files import FileSource, columns, read_table
from parties.connectors.folder import ParquetFolder
from parties.connectors.source import Names, Snapshot, Source

__all__ = [
    "Database",
    "FileSource",
    "Names",
    "ParquetFolder",
    "Snapshot",
    "Source",
    "columns",
    "read_table",
]
