"""The parts of a document, a file each, in the order of the guidance."""
