"""Columns cut into bins, and what the outcomes in the bins say. One party's own arithmetic: nothing is sent.

`cuts` looks at no outcome; `fine`, `merging`, `woe` and `book` work on counts of outcomes in bins. A binning
book is data: edges and levels come from rows, counts from outcomes. `leverage` leaves out a column by which
the counts of several columns together would set a row apart.
"""
