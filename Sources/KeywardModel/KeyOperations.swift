/// One thing that a key can do (DESIGN §4).
package enum KeyOperation: String, CaseIterable, Hashable, Sendable, Codable {
  case encrypt
  case decrypt
  case wrap
  case unwrap
  case sign
  case verify
  case mac
  case macVerify = "mac-verify"
  case derive
  case agree
  case export
  case cloudExport = "cloud-export"

  fileprivate var bit: UInt16 {
    switch self {
    case .encrypt: 1 << 0
    case .decrypt: 1 << 1
    case .wrap: 1 << 2
    case .unwrap: 1 << 3
    case .sign: 1 << 4
    case .verify: 1 << 5
    case .mac: 1 << 6
    case .macVerify: 1 << 7
    case .derive: 1 << 8
    case .agree: 1 << 9
    case .export: 1 << 10
    case .cloudExport: 1 << 11
    }
  }
}

/// A set of key operations.
package struct KeyOperations: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  package static let encrypt = KeyOperations(.encrypt)
  package static let decrypt = KeyOperations(.decrypt)
  package static let wrap = KeyOperations(.wrap)
  package static let unwrap = KeyOperations(.unwrap)
  package static let sign = KeyOperations(.sign)
  package static let verify = KeyOperations(.verify)
  package static let mac = KeyOperations(.mac)
  package static let macVerify = KeyOperations(.macVerify)
  package static let derive = KeyOperations(.derive)
  package static let agree = KeyOperations(.agree)
  package static let export = KeyOperations(.export)
  package static let cloudExport = KeyOperations(.cloudExport)

  /// The set of one operation.
  package init(_ operation: KeyOperation) {
    rawValue = operation.bit
  }

  package func contains(_ operation: KeyOperation) -> Bool {
    contains(KeyOperations(operation))
  }

  /// The members, in the order of `KeyOperation`.
  package var list: [KeyOperation] {
    KeyOperation.allCases.filter { contains($0) }
  }

  /// The members' names joined by commas: the stored form.
  package var text: String {
    list.map(\.rawValue).joined(separator: ",")
  }

  /// Reads the stored form; nil if a name is unknown, doubled or out of order.
  package init?(text: String) {
    var set: KeyOperations = []
    if !text.isEmpty {
      for name in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let operation = KeyOperation(rawValue: String(name)) else { return nil }
        set.formUnion(KeyOperations(operation))
      }
    }
    guard set.text == text else { return nil }
    self = set
  }
}
