// Values are checked; the message names the flag.
// RUN: not slipstick-opt %s --verify-each=maybe 2>&1 | filecheck %s --check-prefix=BOOL
// RUN: not %mlir-opt %s --verify-each=maybe 2>&1 | filecheck %s --check-prefix=BOOL
// RUN: not slipstick-opt %s --mlir-elide-elementsattrs-if-larger=x 2>&1 | filecheck %s --check-prefix=UINT
// RUN: not %mlir-opt %s --mlir-elide-elementsattrs-if-larger=x 2>&1 | filecheck %s --check-prefix=UINT
// RUN: not slipstick-opt %s --mlir-timing-display=pie 2>&1 | filecheck %s --check-prefix=ENUM
// RUN: not %mlir-opt %s --mlir-timing-display=pie 2>&1 | filecheck %s --check-prefix=ENUM
// RUN: not slipstick-opt %s -o 2>&1 | filecheck %s --check-prefix=MISSING
// RUN: not %mlir-opt %s -o 2>&1 | filecheck %s --check-prefix=MISSING
// RUN: not slipstick-opt %s --timeout=soon 2>&1 | filecheck %s --check-prefix=SECONDS

// BOOL: for the --verify-each option: 'maybe' is invalid value for boolean argument! Try 0 or 1
// UINT: for the --mlir-elide-elementsattrs-if-larger option: 'x' value invalid for uint argument!
// ENUM: for the --mlir-timing-display option: Cannot find option named 'pie'!
// MISSING: for the -o option: requires a value!
// SECONDS: for the --timeout option: 'soon' is not a number of seconds!
