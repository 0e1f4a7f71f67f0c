"""How a service is run: its log for machines, its health and metrics, and what it says to the system."""
