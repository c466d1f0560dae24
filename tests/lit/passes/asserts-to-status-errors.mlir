// RUN: slipstick-opt %s --asserts-to-status --split-input-file --verify-diagnostics

// expected-error @+1 {{expected the attribute slipstick.entry: run prepare-entry first}}
module {
  func.func @main() {
    return
  }
}

// -----

module attributes {slipstick.entry = @main} {
  func.func @helper(%ok: i1) {
    // expected-error @+1 {{'cf.assert' outside the entry function would end the process: make its function private}}
    cf.assert %ok, "no"
    return
  }
  func.func @main(%ok: i1) {
    call @helper(%ok) : (i1) -> ()
    return
  }
}

// -----

// expected-error @+1 {{slipstick.entry: expected the name of a function, found @gone}}
module attributes {slipstick.entry = @gone} {
}
