import KeywardCrypto

/// Decodes hex; nil when it is not hex.
func bytes(_ hex: String) -> [UInt8]? {
  guard hex.utf8.count % 2 == 0 else { return nil }
  var result: [UInt8] = []
  var rest = hex[...]
  while !rest.isEmpty {
    guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
    result.append(byte)
    rest = rest.dropFirst(2)
  }
  return result
}

func hex(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
  return String(decoding: text, as: UTF8.self)
}

/// Public bytes as a secret, for tests.
func secret(_ bytes: [UInt8]) throws -> SecretBytes {
  try SecretBytes.fixture(bytes)
}
