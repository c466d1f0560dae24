// RUN: slipstick-opt %s --outline-layers --verify-diagnostics

// expected-error @+1 {{expected a function named 'main' or exactly one public func.func with a body}}
module {
}
