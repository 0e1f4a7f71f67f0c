"""The label party's report of a round: one HTML file that opens anywhere and fetches nothing."""
