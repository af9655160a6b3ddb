import KeywardModel

/// The parameters of a query: each at most once, percent-decoded once, read by type.
///
/// Error texts name the parameter and what it takes, never its value.
struct QueryValues: Equatable, Sendable {
  private let values: [String: String]

  static let maximumParameters = 16

  /// Reads `name=value&name=value`.
  init(_ bytes: ArraySlice<UInt8>) throws(ServiceError) {
    var values: [String: String] = [:]
    if !bytes.isEmpty {
      let pairs = bytes.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
      guard pairs.count <= Self.maximumParameters else {
        throw ServiceError(.invalidRequest, "The query has too many parameters.")
      }
      for pair in pairs {
        guard let sign = pair.firstIndex(of: UInt8(ascii: "=")), sign > pair.startIndex,
          let name = Self.name(pair[..<sign]), let value = Self.decoded(pair[(sign + 1)...])
        else {
          throw ServiceError(
            .invalidRequest,
            "The query is malformed.",
            remedy:
              "Write name=value joined by '&', values percent-encoded as UTF-8 (space as %20)."
          )
        }
        guard values.updateValue(value, forKey: name) == nil else {
          throw ServiceError(.invalidRequest, "The query has a parameter twice.")
        }
      }
    }
    self.values = values
  }

  /// Refuses every parameter that the route does not list.
  func check(against parameters: [Route.Parameter]) throws(ServiceError) {
    guard !values.isEmpty else { return }
    let known = parameters.map(\.name)
    guard values.keys.allSatisfy({ known.contains($0) }) else {
      let words = known.isEmpty ? "none" : known.joined(separator: ", ")
      throw ServiceError(
        .invalidRequest,
        "The query has a parameter that this route does not take.",
        remedy: "It takes: \(words)."
      )
    }
  }

  func text(_ name: String) -> String? { values[name] }

  /// Every parameter, by name in byte order.
  var sorted: [(name: String, value: String)] {
    guard !values.isEmpty else { return [] }
    return values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { (name: $0.key, value: $0.value) }
  }

  func requiredText(_ name: String) throws(ServiceError) -> String {
    guard let text = values[name], !text.isEmpty else {
      throw ServiceError(.invalidRequest, "The query parameter '\(name)' is missing.")
    }
    return text
  }

  /// A decimal number without sign or leading zeros.
  func number(_ name: String, within range: ClosedRange<Int64>) throws(ServiceError) -> Int64? {
    guard let text = values[name] else { return nil }
    guard (1...19).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
      text == "0" || text.utf8.first != 48, let number = Int64(text), range.contains(number)
    else {
      throw ServiceError(
        .invalidRequest,
        "The query parameter '\(name)' is not a number within \(range.lowerBound) and"
          + " \(range.upperBound)."
      )
    }
    return number
  }

  /// A number that fits an Int on every platform.
  func count(_ name: String, within range: ClosedRange<Int>) throws(ServiceError) -> Int? {
    try number(name, within: Int64(range.lowerBound)...Int64(range.upperBound)).map { Int($0) }
  }

  /// `true` or `false`; false when absent.
  func flag(_ name: String) throws(ServiceError) -> Bool {
    switch values[name] {
    case nil, "false": false
    case "true": true
    default:
      throw ServiceError(.invalidRequest, "The query parameter '\(name)' is not true or false.")
    }
  }

  /// Unpadded base64url of at most `limit` bytes; empty when absent.
  func bytes(_ name: String, limit: Int) throws(ServiceError) -> [UInt8] {
    guard let text = values[name] else { return [] }
    guard let bytes = Base64.decodeURL(text), bytes.count <= limit else {
      throw ServiceError(
        .invalidRequest,
        "The query parameter '\(name)' is not unpadded base64url of at most \(limit) bytes."
      )
    }
    return bytes
  }

  /// One of a fixed set of words; nil when absent.
  func choice<Value: RawRepresentable & CaseIterable>(
    _ name: String,
    of type: Value.Type
  ) throws(ServiceError) -> Value? where Value.RawValue == String {
    guard let text = values[name] else { return nil }
    guard let value = Value(rawValue: text) else {
      let known = type.allCases.map(\.rawValue).joined(separator: ", ")
      throw ServiceError(
        .invalidRequest,
        "The query parameter '\(name)' is none of its values.",
        remedy: "Use one of: \(known)."
      )
    }
    return value
  }

  /// Parameter names are a-z and '_': nothing else can be known.
  private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
    guard bytes.allSatisfy({ (97...122).contains($0) || $0 == UInt8(ascii: "_") }) else {
      return nil
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
    var text: [UInt8] = []
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "%"):
        guard bytes.endIndex - index >= 3,
          let value = Hex.decode(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self)),
          let first = value.first, first >= 0x20, first != 0x7f
        else { return nil }
        text.append(first)
        index += 3
      case 0x21...0x7e where byte != UInt8(ascii: "+") && byte != UInt8(ascii: "#"):
        text.append(byte)
        index += 1
      default:
        return nil
      }
    }
    return String(validating: text, as: UTF8.self)
  }
}
