"""The settings of the scenarios, by the region that they are about."""
