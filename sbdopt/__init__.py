"""Map block-diagonal weight matrices onto compute-in-memory arrays."""
