"""What a model is taken out as: PMML, SQL or JSON; whole where every party agreed, else a party's part.

`sharing` is the one place where points of a party's bins leave it, and its own configuration decides that.
The forms (`pmml`, `sql`, `json_form`) hold columns, bins and points, never a row, a count or an outcome.
"""
