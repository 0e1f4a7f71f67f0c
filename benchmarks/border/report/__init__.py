"""What the border benchmark found, for people: a table, a page in each language, and results for auditors."""
