"""MLIR text to tokens to predicted registers, spills, utilisation, instructions and time."""
