package import KeywardModel

/// A text with references in it: `kw://project/name#field` alone, or `${kw://…}` within more text.
///
/// `${kw://… | filter}` writes the value for the language around it. `$${kw://` and `$kw://` stand for
/// `${kw://` and `kw://` themselves. A `kw://` that is none of these is an error, since it would be
/// left where a value was meant.
package struct TemplateText: Equatable, Sendable {
  /// How a value is written into the text around it.
  package enum Filter: String, CaseIterable, Sendable {
    case base64
    /// The inside of a JSON string.
    case json
    /// Percent-encoded, for a part of a URL.
    case url
  }

  package enum Part: Equatable, Sendable {
    case text(String)
    case value(SecretReference, Filter?)
  }

  /// Why a text is none; `offset` counts bytes.
  package struct Failure: Error, Equatable, Sendable {
    package let offset: Int
    package let message: String
  }

  package let parts: [Part]
  /// Where each part stands in the text, in bytes.
  let ranges: [Range<Int>]

  /// Whether a text has something to look at.
  package static func isMeant(by text: some StringProtocol) -> Bool {
    isMeant(byBytes: Array(text.utf8))
  }

  static func isMeant(byBytes bytes: [UInt8]) -> Bool {
    find(scheme, in: bytes, from: 0) != nil
  }

  /// The text is the reference and nothing else.
  package var isWhole: Bool {
    if case .value(_, nil)? = parts.first, parts.count == 1 { return !ranges.isEmpty && isBare }
    return false
  }

  private let isBare: Bool

  static let scheme = Array("kw://".utf8)

  package init(_ text: String) throws(Failure) {
    let bytes = Array(text.utf8)
    if bytes.starts(with: Self.scheme) {
      parts = [.value(try Self.reference(bytes[...]), nil)]
      ranges = [0..<bytes.count]
      isBare = true
      return
    }
    isBare = false
    var parts: [Part] = []
    var ranges: [Range<Int>] = []
    var start = 0
    func add(_ part: Part, _ range: Range<Int>) {
      parts.append(part)
      ranges.append(range)
    }
    func addText(upTo end: Int) {
      if end > start {
        add(.text(String(decoding: bytes[start..<end], as: UTF8.self)), start..<end)
      }
    }
    while let found = Self.find(Self.scheme, in: bytes, from: start) {
      let before = bytes[start..<found]
      if before.ends(with: "$${") {
        addText(upTo: found - 2)
        add(.text("{"), found - 2..<found)
        let end = found + Self.scheme.count
        add(.text("kw://"), found..<end)
        start = end
      } else if before.ends(with: "${") {
        addText(upTo: found - 2)
        guard let end = bytes[found...].firstIndex(of: UInt8(ascii: "}")) else {
          throw Failure(offset: found - 2, message: "this '${' has no '}'")
        }
        add(try Self.value(bytes[found..<end]), found - 2..<end + 1)
        start = end + 1
      } else if before.ends(with: "$") {
        addText(upTo: found - 1)
        add(.text("kw://"), found - 1..<found + Self.scheme.count)
        start = found + Self.scheme.count
      } else {
        throw Failure(
          offset: found,
          message: "a reference within a longer text is written ${kw://…}, and $kw:// stands for"
            + " the text kw:// itself"
        )
      }
    }
    addText(upTo: bytes.count)
    self.parts = parts
    self.ranges = ranges
  }

  package var references: [SecretReference] {
    parts.compactMap { if case .value(let reference, _) = $0 { reference } else { nil } }
  }

  /// `reference`, or `reference | filter`.
  private static func value(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Part {
    guard let bar = bytes.firstIndex(of: UInt8(ascii: "|")) else {
      return .value(try reference(bytes), nil)
    }
    var end = bar
    while end > bytes.startIndex, bytes[end - 1] == 0x20 { end -= 1 }
    var name = bytes[(bar + 1)...]
    while name.first == 0x20 { name = name.dropFirst() }
    while name.last == 0x20 { name = name.dropLast() }
    guard let filter = Filter(rawValue: String(decoding: name, as: UTF8.self)) else {
      let known = Filter.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(offset: bar + 1, message: "after '|' stands one of \(known)")
    }
    return .value(try reference(bytes[..<end]), filter)
  }

  private static func reference(_ bytes: ArraySlice<UInt8>) throws(Failure) -> SecretReference {
    do throws(SpellingError) {
      return try SecretReference(String(decoding: bytes, as: UTF8.self))
    } catch {
      throw Failure(
        offset: bytes.startIndex + error.position,
        message: "this is no reference: expected \(error.expected)"
      )
    }
  }

  static func find(_ part: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { find(part, in: $0, from: start) }
  }

  static func find(_ part: [UInt8], in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard let first = part.first, bytes.count >= part.count else { return nil }
    var index = start
    let last = bytes.count - part.count
    while index <= last {
      if bytes[index] == first, (1..<part.count).allSatisfy({ bytes[index + $0] == part[$0] }) {
        return index
      }
      index += 1
    }
    return nil
  }
}

extension ArraySlice<UInt8> {
  fileprivate func ends(with text: StaticString) -> Bool {
    let ending = Array("\(text)".utf8)
    return suffix(ending.count).elementsEqual(ending)
  }
}
