"""The guard: whether a message may leave, decided by what its owner's manifest and grants say, and why.

    policy    the Cedar policy of one run and the entities it is decided on, made from an `Authorisation`
    verdict   one decision with its reasons, in one form of bytes, so that anyone can decide it again
    sizes     how large a message of each type may be in this run, and how many there may be
    contents  names, ciphertexts and digests in a message: what they must be, and nothing hidden in them
    party     what a party's exit asks before each message; `aggregator` the same for the aggregator
    rules     every rule in plain language, with its source, in English and Chinese

It bounds what an honest program lets out by mistake or by a changed message, and leaves evidence of it. It
cannot see what a holder hides in the randomness of a ciphertext or in the last bits of an update: that is
said where results are shown (`rules`, "T-EGRESS-CANARY").
"""
