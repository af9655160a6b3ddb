import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

/// Values that the suites of this target share.
enum Fixtures {
  static func store(_ byte: UInt8 = 1) throws -> StoreID {
    try #require(StoreID([UInt8](repeating: byte, count: 16)))
  }

  static func key(_ byte: UInt8 = 2) throws -> KeyID {
    try #require(KeyID([UInt8](repeating: byte, count: 16)))
  }

  static func context(
    key: UInt8 = 2,
    version: UInt32 = 1,
    type: KeyType = .aes256,
    neverExportable: Bool = true
  ) throws -> MaterialContext {
    MaterialContext(
      key: try self.key(key),
      version: version,
      type: type,
      neverExportable: neverExportable
    )
  }

  static func random(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max) }
  }

  /// A box around bytes that are no secret.
  static func box(_ bytes: [UInt8]) throws -> SecretBox {
    SecretBox(try SecretBytes.fixture(bytes))
  }

  static func fileSecret(_ bytes: [UInt8]) throws -> SealSecret {
    .fileContent(try SecretBytes.fixture(bytes))
  }

  static func passphrase(_ text: String) throws -> SealSecret {
    .passphrase(try SecretBytes.fixture(Array(text.utf8)))
  }

  /// Cheap enough for a debug build.
  static func cheapScrypt() throws -> ScryptParameters {
    try ScryptParameters(logN: 10, r: 8, p: 1)
  }

  /// Parses share text that is no secret.
  static func parse(_ text: [UInt8]) throws -> Share {
    try ShareText.parse(try SecretBytes.fixture(text))
  }

  static func parse(_ text: String) throws -> Share { try parse(Array(text.utf8)) }

  static func text(_ share: Share) throws -> String {
    String(decoding: try ShareText.emit(share).revealed(), as: UTF8.self)
  }
}
