// RUN: slipstick-opt %s --set-stage | filecheck %s
// RUN: slipstick-opt %s --set-stage=stage=loops | filecheck %s --check-prefix=LOOPS
// RUN: slipstick-opt %s --set-stage=stage=loops --set-stage=stage=llvm | filecheck %s --check-prefix=LAST
// RUN: not slipstick-opt %s --set-stage=step=loops 2>&1 | filecheck %s --check-prefix=OPTION

// CHECK: module attributes {slipstick.stage = "linalg", user.kept} {
// LOOPS: module attributes {slipstick.stage = "loops", user.kept} {
// LAST:  module attributes {slipstick.stage = "llvm", user.kept} {
// OPTION: error: {{.*}}set-stage{{.*}}step
module attributes {user.kept} {
}
