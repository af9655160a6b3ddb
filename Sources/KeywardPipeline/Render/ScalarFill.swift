import KeywardCrypto
import KeywardModel

/// A scalar with references and where it stands: how it is written with their values.
struct ScalarFill: Sendable {
  let slot: ManifestSlot
  private let extent: ScalarExtent
  /// The references as they stand in the bytes, where those say the same as the text.
  private let raw: [Range<Int>]?

  var range: Range<Int> { extent.range }

  init(_ slot: ManifestSlot, in bytes: [UInt8]) throws(PipelineError) {
    guard case .scalar(let text, let style) = slot.node.content,
      let extent = ScalarExtent(of: slot.node, text: text, style: style, in: bytes)
    else {
      throw PipelineError(
        .input,
        at: slot.place,
        "A value with a reference is written in one of the plain ways of YAML, and this is not.",
        remedy: "Put it on one line, in quotes, or in a block with |."
      )
    }
    self.slot = slot
    self.extent = extent
    raw = slot.purpose == .text ? Self.rawRanges(slot, extent, in: bytes) : nil
  }

  /// Where the parts that are not text stand in the bytes of the scalar, found by spelling.
  private static func rawRanges(
    _ slot: ManifestSlot,
    _ extent: ScalarExtent,
    in bytes: [UInt8]
  ) -> [Range<Int>]? {
    guard !slot.template.isWhole, slot.style != .folded, slot.style != .plain,
      slot.style != .singleQuoted
    else { return nil }
    let area = extent.block?.content ?? extent.range
    // Quotes over several lines are folded, which would take white space of a value away.
    guard
      extent.block != nil || YAMLLines.end(of: area.lowerBound, in: bytes[area]) == area.upperBound
    else { return nil }
    // The n-th kw:// of the text is the n-th of the bytes, and what belongs to it stands around it; a
    // search for the spelling alone could find other text that is spelled alike, such as ${HOME}.
    let text = Array(slot.text.utf8)
    let inText = positions(of: TemplateText.scheme, in: text, 0..<text.count)
    let inBytes = positions(of: TemplateText.scheme, in: bytes, area)
    guard inText.count == inBytes.count else { return nil }
    var ranges: [Range<Int>] = []
    for (part, range) in zip(slot.template.parts, slot.template.ranges) {
      // Escapes of references stand for other text than they are, and are edits too.
      if case .text(let written) = part, written.utf8.elementsEqual(text[range]) { continue }
      guard let index = inText.firstIndex(where: { $0 >= range.lowerBound }) else { return nil }
      let shift = inBytes[index] - inText[index]
      let raw = range.lowerBound + shift..<range.upperBound + shift
      guard raw.lowerBound >= (ranges.last?.upperBound ?? area.lowerBound),
        raw.upperBound <= area.upperBound, bytes[raw].elementsEqual(text[range])
      else { return nil }
      ranges.append(raw)
    }
    return ranges
  }

  private static func positions(
    of part: [UInt8],
    in bytes: [UInt8],
    _ area: Range<Int>
  ) -> [Int] {
    var positions: [Int] = []
    var start = area.lowerBound
    while let found = TemplateText.find(part, in: bytes, from: start),
      found + part.count <= area.upperBound
    {
      positions.append(found)
      start = found + part.count
    }
    return positions
  }

  /// What changes in the bytes when the values are these.
  func edits(
    with secrets: FetchedSecrets,
    in bytes: [UInt8]
  ) throws(PipelineError) -> [(range: Range<Int>, pieces: [Rendering.Piece])] {
    var values: [SecretBox?] = []
    for part in slot.template.parts { values.append(try value(of: part, secrets)) }
    if slot.purpose == .text {
      for (part, value) in zip(slot.template.parts, values) {
        guard let value, case .value(let reference, _) = part else { continue }
        guard value.bytes.withUnsafeBytes({ ValueEncoding.isText($0) }) else {
          throw PipelineError(
            .value,
            at: slot.place,
            "The value of \(reference) is not UTF-8 text, which alone can stand here.",
            remedy: "Put it into 'data' of a Secret, or write ${\(reference) | base64}."
          )
        }
      }
    }
    do throws(CryptoError) {
      if let raw, extent.block.map({ fits($0, values) }) ?? true {
        return try partial(raw, values)
      }
      return [(extent.range, try whole(values, in: bytes))]
    } catch {
      throw .outOfSecureMemory
    }
  }

  private func value(
    of part: TemplateText.Part,
    _ secrets: FetchedSecrets
  ) throws(PipelineError) -> SecretBox? {
    guard case .value(let reference, let filter) = part else { return nil }
    guard let value = secrets.value(of: reference) else {
      throw PipelineError(.value, at: slot.place, "There is no value for \(reference).")
    }
    guard let filter else { return value }
    guard filter != .json || value.bytes.withUnsafeBytes({ ValueEncoding.isText($0) }) else {
      throw PipelineError(.value, at: slot.place, "The value of \(reference) is not UTF-8 text.")
    }
    do throws(CryptoError) {
      var text = try SecretText(capacity: value.bytes.count)
      try value.bytes.withUnsafeBytes { bytes throws(CryptoError) in
        switch filter {
        case .base64: try ValueEncoding.base64(bytes, into: &text)
        case .json: try ValueEncoding.json(bytes, into: &text)
        case .url: try ValueEncoding.percent(bytes, into: &text)
        }
      }
      return SecretBox(try text.finish())
    } catch {
      throw .outOfSecureMemory
    }
  }

  // MARK: Writing

  /// The scalar anew: in double quotes on one line, which every place can have.
  private func whole(
    _ values: [SecretBox?],
    in bytes: [UInt8]
  ) throws(CryptoError) -> [Rendering.Piece] {
    var content = try SecretText()
    for (part, value) in zip(slot.template.parts, values) {
      if let value {
        try value.bytes.withUnsafeBytes { bytes throws(CryptoError) in try content.append(bytes) }
      } else if case .text(let text) = part {
        try content.append(text)
      }
    }
    var text = try SecretText()
    try text.append("\"")
    try content.withUnsafeBytes { bytes throws(CryptoError) in
      if slot.purpose != .text {
        try ValueEncoding.base64(bytes, into: &text)
      } else if slot.style == .json {
        try ValueEncoding.json(bytes, into: &text)
      } else {
        try ValueEncoding.yaml(bytes, into: &text)
      }
    }
    try text.append("\"")
    let piece = Rendering.Piece.secret(SecretBox(try text.finish()))
    guard let block = extent.block else { return [piece] }
    // A block ends with a line end, which quotes do not have in them; empty lines after it stay away.
    return [piece, .source(block.comment), .text("\n")]
  }

  /// The references alone, within quotes or a block that stay.
  private func partial(
    _ ranges: [Range<Int>],
    _ values: [SecretBox?]
  ) throws(CryptoError) -> [(range: Range<Int>, pieces: [Rendering.Piece])] {
    var edits: [(range: Range<Int>, pieces: [Rendering.Piece])] = []
    var next = ranges.startIndex
    let source = Array(slot.text.utf8)
    for ((part, value), range) in zip(
      zip(slot.template.parts, values),
      slot.template.ranges
    ) {
      if case .text(let written) = part {
        guard !written.utf8.elementsEqual(source[range]) else { continue }
        edits.append((ranges[next], [.text(written)]))
      } else if let value {
        edits.append((ranges[next], [.secret(try written(value))]))
      }
      next += 1
    }
    return edits
  }

  private func written(_ value: SecretBox) throws(CryptoError) -> SecretBox {
    var text = try SecretText(capacity: value.bytes.count)
    try value.bytes.withUnsafeBytes { bytes throws(CryptoError) in
      if let block = extent.block {
        let end = "\n" + String(repeating: " ", count: block.indent)
        try ValueEncoding.escaping(bytesOf: bytes, into: &text) { $0 == 0x0a ? end : nil }
      } else if slot.style == .json {
        try ValueEncoding.json(bytes, into: &text)
      } else {
        try ValueEncoding.yaml(bytes, into: &text)
      }
    }
    return SecretBox(try text.finish())
  }

  /// Whether the values can stand in the lines of a block without being read as its form.
  private func fits(_ block: ScalarExtent.Block, _ values: [SecretBox?]) -> Bool {
    guard block.indent > 0, !block.hasIndicator else { return false }
    return values.allSatisfy { value in
      guard let value else { return true }
      return value.bytes.withUnsafeBytes { bytes in
        guard let first = bytes.first, let last = bytes.last, first > 0x20, last > 0x20 else {
          return false
        }
        return Self.isPrintable(bytes)
      }
    }
  }

  private static func isPrintable(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var scan = UTF8Scan(bytes)
    while true {
      switch scan.next() {
      case .scalar(0x0a), .scalar(0x20...0x7e), .scalar(0xa0...0x2027), .scalar(0x202a...0xd7ff),
        .scalar(0xe000...0xfefe), .scalar(0xff00...0xfffd), .scalar(0x1_0000...0x10_ffff):
        continue
      case .scalar, .invalid: return false
      case .end: return true
      }
    }
  }
}
