"""What governance holds against: violations seeded in whole rounds, and clean rounds without an alarm.

firms       small made-up tables for each kind of plan
playing     a whole round in this process, with what the carrier saw
mutations   a violation: how it is seeded, and which rule must stop or find it
egress, rights, audit
            the violations of the corpus
corpus      all of them, and the clean rounds, counted
"""
