import KeywardCrypto

/// The forms in which a value comes out of programs: as it is, and as encoders write it.
enum SecretForms {
  /// Lines of a value with several lines are masked by themselves from this length on.
  static let minimumLine = 8
  /// Of values that are longer, only the forms that are asked for most: the others cost memory.
  static let manyFormsLimit = 1 << 16

  /// The value without the blanks and line ends around it, which programs drop and add.
  static func core(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var value = value[...]
    while let byte = value.first, isBlank(byte) || byte == 0x0a { value = value.dropFirst() }
    while let byte = value.last, isBlank(byte) || byte == 0x0a { value = value.dropLast() }
    return UnsafeRawBufferPointer(rebasing: value)
  }

  /// Adds all forms of a value, and of each of its lines.
  static func add(_ value: UnsafeRawBufferPointer, to pool: inout PatternPool) throws(CryptoError) {
    let value = core(value)
    guard value.count >= PatternPool.minimum else { return }
    try addForms(of: value, to: &pool)
    guard value.contains(0x0a) else { return }
    // As a terminal writes its lines.
    try add(to: &pool) { text throws(CryptoError) in
      for byte in value {
        if byte == 0x0a { try text.append(byte: 0x0d) }
        try text.append(byte: byte)
      }
    }
    for line in lines(of: value) where line.count >= minimumLine && !PublicLine.isPublic(line) {
      if value.count > manyFormsLimit {
        try pool.add(line)
      } else {
        try addForms(of: line, to: &pool)
      }
    }
  }

  /// The lines without the blanks around them.
  private static func lines(of value: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
    value.split(separator: 0x0a).map { line in
      var line = line
      while let byte = line.first, isBlank(byte) { line = line.dropFirst() }
      while let byte = line.last, isBlank(byte) { line = line.dropLast() }
      return UnsafeRawBufferPointer(rebasing: line)
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0d
  }

  private static func addForms(
    of value: UnsafeRawBufferPointer,
    to pool: inout PatternPool
  ) throws(CryptoError) {
    try pool.add(value)
    let isLong = value.count > manyFormsLimit
    for alphabet in [Base64Forms.Alphabet.standard, .url] {
      for phase in 0..<3 {
        try Base64Forms.add(value, phase, alphabet, to: &pool)
      }
    }
    try addHex(of: value, upperCase: false, to: &pool)
    try addHex(of: value, upperCase: true, to: &pool)
    try Base64Forms.addWrapped(value, to: &pool)
    if isLong { return }
    for variant in PercentForms.variants {
      try add(to: &pool) { text throws(CryptoError) in
        try PercentForms.write(value, variant, into: &text)
      }
    }
    try add(to: &pool) { text throws(CryptoError) in
      // A word of a shell in single quotes, as `set -x` prints it.
      for byte in value {
        if byte == 0x27 { try text.append("'\\''") } else { try text.append(byte: byte) }
      }
    }
    guard UTF8Scan.isValid(value) else { return }
    for variant in JSONForms.variants {
      try add(to: &pool) { text throws(CryptoError) in
        try JSONForms.write(value, variant, into: &text)
      }
    }
    // JSON within JSON.
    var once = try SecretText(capacity: value.count * 2)
    try JSONForms.write(value, JSONForms.plain, into: &once)
    let inner = try once.finish()
    try add(to: &pool) { text throws(CryptoError) in
      try inner.withUnsafeBytes { bytes throws(CryptoError) in
        try JSONForms.write(bytes, JSONForms.plain, into: &text)
      }
    }
  }

  private static func add(
    to pool: inout PatternPool,
    _ write: (inout SecretText) throws(CryptoError) -> Void
  ) throws(CryptoError) {
    var text = try SecretText()
    try write(&text)
    try text.withUnsafeBytes { bytes throws(CryptoError) in try pool.add(bytes) }
  }

  private static func addHex(
    of value: UnsafeRawBufferPointer,
    upperCase: Bool,
    to pool: inout PatternPool
  ) throws(CryptoError) {
    let letters: UInt8 = upperCase ? 0x37 : 0x57
    var hex = try SecretBytes(count: value.count * 2)
    hex.withUnsafeMutableBytes { hex in
      for (index, byte) in value.enumerated() {
        let (high, low) = (byte >> 4, byte & 15)
        hex[2 * index] = high < 10 ? 0x30 + high : letters + high
        hex[2 * index + 1] = low < 10 ? 0x30 + low : letters + low
      }
    }
    try hex.withUnsafeBytes { hex throws(CryptoError) in
      try pool.add(hex)
      // xxd -p breaks its lines after 60.
      try addLines(of: hex, width: 60, to: &pool)
    }
  }

  /// The lines of a form that is broken after `width` characters.
  static func addLines(
    of form: UnsafeRawBufferPointer,
    width: Int,
    to pool: inout PatternPool
  ) throws(CryptoError) {
    guard form.count > width else { return }
    var start = 0
    while start < form.count {
      let end = min(start + width, form.count)
      if end - start >= minimumLine {
        try pool.add(UnsafeRawBufferPointer(rebasing: form[start..<end]))
      }
      start = end
    }
  }
}
