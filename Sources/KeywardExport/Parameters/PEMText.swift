import KeywardModel

/// The textual encoding of public keys (RFC 7468 §13).
package enum PEMText {
  /// The DER of the one `PUBLIC KEY` block that the text must be.
  package static func publicKey(_ text: String) throws(ExportRefusal) -> [UInt8] {
    let lines = text.split(whereSeparator: \.isNewline).map(trimmed).filter { !$0.isEmpty }
    guard let first = lines.first, first.utf8.starts(with: "-----BEGIN ".utf8) else {
      throw ParametersFile.unreadable("the wrapping key is not PEM", at: "wrapping key")
    }
    guard lines.count >= 3, first == "-----BEGIN PUBLIC KEY-----",
      lines.last == "-----END PUBLIC KEY-----"
    else {
      throw ParametersFile.unreadable("the PEM is not one PUBLIC KEY block", at: "wrapping key")
    }
    guard let der = Base64.decode(lines.dropFirst().dropLast().joined()) else {
      throw ParametersFile.unreadable("the PEM block is not base64", at: "wrapping key")
    }
    return der
  }

  private static func trimmed(_ line: Substring) -> Substring {
    var line = line
    while let last = line.last, last == " " || last == "\t" { line.removeLast() }
    return line
  }

  /// A `PUBLIC KEY` block of lines of 64 digits.
  package static func encode(publicKey der: [UInt8]) -> String {
    var out = "-----BEGIN PUBLIC KEY-----\n"
    var rest = Substring(Base64.encode(der))
    while !rest.isEmpty {
      out += rest.prefix(64) + "\n"
      rest = rest.dropFirst(64)
    }
    return out + "-----END PUBLIC KEY-----\n"
  }
}
