import KeywardCrypto

extension ValueForm {
  /// The longest string of an environment on Linux: `NAME=value` and its NUL in 32 pages.
  static let longestVariable = 131_072

  /// Why the form cannot carry the value of an item to its reader; nil when it can.
  package func refusal(of item: OutputItem) -> String? {
    item.value.bytes.withUnsafeBytes { refusal(of: $0, named: item.name) }
  }

  private func refusal(of value: UnsafeRawBufferPointer, named name: String) -> String? {
    switch self {
    case .raw, .yaml, .kubernetesSecret: return nil
    case .json, .properties:
      return ValueEncoding.isText(value) ? nil : "it is not UTF-8 text"
    case .shell:
      return value.contains(0) ? "it has a NUL, which no variable of a shell can hold" : nil
    case .dotenv: return text(value) ?? Self.dotenv(value)
    case .github: return text(value) ?? length(value, name)
    case .gitlab: return text(value) ?? length(value, name) ?? Self.gitlab(value)
    case .azure: return text(value) ?? length(value, name) ?? Self.azure(value)
    case .docker: return text(value) ?? Self.docker(value, name)
    }
  }

  private func text(_ value: UnsafeRawBufferPointer) -> String? {
    if value.contains(0) { return "it has a NUL, which no variable of an environment can hold" }
    return ValueEncoding.isText(value) ? nil : "it is not UTF-8 text"
  }

  private func length(_ value: UnsafeRawBufferPointer, _ name: String) -> String? {
    value.count + name.utf8.count + 2 > Self.longestVariable
      ? "it is longer than Linux lets a variable of an environment be (128 KiB)" : nil
  }

  /// What readers of dotenv files agree on, and no more.
  ///
  /// python-dotenv takes `\\` and `\'` in single quotes for escapes and fills `${…}` in any; others do
  /// not, but fill `$…` and take escapes in double quotes; all read line ends as text.
  private static func dotenv(_ value: UnsafeRawBufferPointer) -> String? {
    if value.contains(0x0d) {
      return "it has a carriage return, which readers turn into a line end"
    }
    if has(value, 0x24, 0x7b) { return "it has '${', which readers take for another variable" }
    guard value.contains(0x27) else {
      if has(value, 0x5c, 0x5c) || value.last == 0x5c {
        return "it has a backslash where some readers see an escape"
      }
      return nil
    }
    if value.contains(where: { $0 == 0x22 || $0 == 0x5c || $0 == 0x24 || $0 == 0x60 }) {
      return
        "it has a single quote and one of \" \\ $ `, and readers differ about how to write both"
    }
    return nil
  }

  private static func gitlab(_ value: UnsafeRawBufferPointer) -> String? {
    if value.isEmpty { return "it is empty" }
    if value.contains(0x0a) || value.contains(0x0d) {
      return "it has several lines, which a dotenv report cannot have"
    }
    if value.contains(0x24) { return "it has a '$', which the runner takes for another variable" }
    if isBlank(value.first) || isBlank(value.last) {
      return "it begins or ends with white space, which GitLab strips"
    }
    // Other white space that a strip or a split of lines could see.
    return hasUnicodeSpace(value) ? "it has a line end or white space of Unicode" : nil
  }

  private static func azure(_ value: UnsafeRawBufferPointer) -> String? {
    if value.isEmpty { return "it is empty, which sets no variable" }
    return value.contains(0x0a) || value.contains(0x0d)
      ? "it has several lines, which the agent does not take for a secret" : nil
  }

  private static func docker(_ value: UnsafeRawBufferPointer, _ name: String) -> String? {
    if value.contains(0x0a) || value.contains(0x0d) {
      return "it has several lines, which an env file cannot have"
    }
    return value.count + name.utf8.count + 1 > 65_000
      ? "its line would be longer than Docker reads (64 KiB)" : nil
  }

  private static func isBlank(_ byte: UInt8?) -> Bool {
    byte.map { $0 <= 0x20 } ?? false
  }

  private static func has(_ value: UnsafeRawBufferPointer, _ first: UInt8, _ second: UInt8) -> Bool
  {
    guard value.count > 1 else { return false }
    return (1..<value.count).contains { value[$0 - 1] == first && value[$0] == second }
  }

  private static func hasUnicodeSpace(_ value: UnsafeRawBufferPointer) -> Bool {
    var scan = UTF8Scan(value)
    while case .scalar(let scalar) = scan.next() {
      switch scalar {
      case 0x0b, 0x0c, 0x1c...0x1f, 0x85, 0xa0, 0x1680, 0x2000...0x200b, 0x2028, 0x2029, 0x202f,
        0x205f, 0x3000, 0xfeff:
        return true
      default: continue
      }
    }
    return false
  }
}
