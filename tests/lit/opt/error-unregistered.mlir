// RUN: not slipstick-opt %s 2>&1 | filecheck %s
// RUN: not %mlir-opt %s 2>&1 | filecheck %s
// RUN: slipstick-opt %s --allow-unregistered-dialect | filecheck %s --check-prefix=ALLOWED
// RUN: %mlir-opt %s -allow-unregistered-dialect | filecheck %s --check-prefix=ALLOWED

// CHECK: error: operation being parsed with an unregistered dialect. If this is intended, please use -allow-unregistered-dialect with the MLIR tool used
// ALLOWED: "ours.op"() {depth = 3 : i64} : () -> ()
"ours.op"() {depth = 3 : i64} : () -> ()
