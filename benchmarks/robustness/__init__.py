"""What bad parties do to a model that is trained together, and who notices."""
