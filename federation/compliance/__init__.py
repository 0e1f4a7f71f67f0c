"""What law asks of a run across borders, as rules that are data, and how evidence answers each of them.

    facts.py       what is known of a run or of a plan: parties, places, data, flows, papers, evidence
    catalogue.py   rule packs (packs/*.toml): every control with its source, date, kind and its two cases
    explaining.py  a control in plain language
    offices.py     who signs what only a person can say
    checks/        what a control can ask; a pack names the check and gives it its parameters
    judging.py     facts + rules + a date -> verdicts, the same bytes everywhere
    placement.py   where label holder, aggregator and keys may sit

Not legal advice: a lawyer signs a catalogue before anybody relies on it, and every report says so.
"""
