// Warnings are shown where they belong and fail nothing. (MLIR's Python bindings cannot keep external resources.)
// RUN: slipstick-opt %s 2>&1 | filecheck %s

// CHECK: warning.mlir:12:5: warning: ignoring unknown external resources for 'someone_else'
// CHECK: func.func @f
func.func @f() {
  return
}

{-#
  external_resources: {
    someone_else: {
      key: "value"
    }
  }
#-}
