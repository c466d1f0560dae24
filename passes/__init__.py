"""One MLIR pass a file, declared the same way, usable by name from slipstick-opt."""
