"""What parties can infer from what they see in training: outcomes, and the columns of others."""
