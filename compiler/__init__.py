"""From torch to linalg, scheduled loops, LLVM IR, object code and a callable."""
