package import KeywardModel

/// A set of operations: one bit each, in the order of `ServiceOperation.allCases`.
package struct OperationSet: Hashable, Sendable {
  package var bits: UInt128

  package init(bits: UInt128) {
    self.bits = bits
  }

  package init(_ operations: some Sequence<ServiceOperation>) {
    bits = operations.reduce(0) { $0 | $1.bit }
  }

  package static let all = OperationSet(ServiceOperation.allCases)

  /// Takes an operation, `NOUN:*` or `*`, else nil.
  package init?(pattern: String) {
    if pattern == "*" {
      self = .all
    } else if pattern.hasSuffix(":*") {
      let noun = pattern.dropLast()
      self.init(ServiceOperation.allCases.filter { $0.rawValue.hasPrefix(noun) })
      guard bits != 0 else { return nil }
    } else {
      guard let operation = ServiceOperation(rawValue: pattern) else { return nil }
      self.init([operation])
    }
  }

  package func contains(_ operation: ServiceOperation) -> Bool { bits & operation.bit != 0 }

  package func union(_ other: OperationSet) -> OperationSet {
    OperationSet(bits: bits | other.bits)
  }

  package var operations: [ServiceOperation] { ServiceOperation.allCases.filter(contains) }
}

extension ServiceOperation {
  private static let bits: [ServiceOperation: UInt128] = {
    precondition(allCases.count <= 128, "an OperationSet has 128 bits")
    return Dictionary(
      uniqueKeysWithValues: allCases.enumerated().map { ($1, UInt128(1) << UInt128($0)) }
    )
  }()

  /// The operation's bit in an ``OperationSet``.
  package var bit: UInt128 { Self.bits[self] ?? 0 }
}
