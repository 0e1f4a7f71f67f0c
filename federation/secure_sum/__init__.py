"""Sums over the members of a session: nobody sees a part, everybody gets the sum."""
