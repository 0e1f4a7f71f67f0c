"""The model document: what a party's own people sign off, and an examiner reads.

Its parts and their order are those of the interagency guidance on model risk management of 17 April 2026
(Federal Reserve SR 26-2, OCC Bulletin 2026-13, FDIC FIL-15-2026), which replaced SR 11-7: overview of the
model, model development and model use, model validation and monitoring, governance and controls, vendor and
other third-party products. The guidance asks for no form: it says what a reader should find.

A document holds its own party's facts alone. What is not available says so, and why.
"""
