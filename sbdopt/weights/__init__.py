"""Numbers: the weights of operators, inputs, and reference outputs. Knows nothing of arrays."""
