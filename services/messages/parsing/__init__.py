"""What a message's body says: results, errors, JSON of other clients, text, bytes."""
