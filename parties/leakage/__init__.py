"""Does the table give the outcome away? A party asks its own table before anything is trained on it.

A column that was written, or written over, once the outcome was known makes a model that shines in every test
and fails on the first applicant. Nothing here stops a round: findings name columns, with a figure and a
question, and a person who knows the table answers. They stay with the party, like the figures in them.

Bounds (`Bounds`) are set by ten public tables: they leave the strongest legitimate columns of loans alone
(default_credit's PAY_0, AUC .71; give_credit's utilisation, .78) and find what is known to leak (SBA's Term,
.96). Ratios of firms that fail within a year pass .80 too (Taiwan, .89; Spain, .88; Poland's Attr27, .83, by
its missing values): there the question has a good answer, and it is asked all the same.
"""

from parties.leakage.check import check, check_counts
from parties.leakage.findings import Bounds, Finding
from parties.leakage.kept import before_training

__all__ = ["Bounds", "Finding", "before_training", "check", "check_counts"]
