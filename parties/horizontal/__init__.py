"""One model over parties that hold the same columns of different firms: encoding, training, parameters."""
