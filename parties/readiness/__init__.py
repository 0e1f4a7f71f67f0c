"""Whether this party is ready for a round of a plan: what `isthmus doctor` looks at in a party's folder."""
