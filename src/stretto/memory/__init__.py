"""What a run knows: documents, passages, search over them, and quotes that can be checked against their source."""
