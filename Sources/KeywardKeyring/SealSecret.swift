package import KeywardCrypto
import KeywardModel

/// What opens a seal.
package enum SealSecret: ~Copyable, Sendable {
  /// The 32 bytes that shares combine to.
  case combinedShares(SecretBytes)
  /// The content of a key file or systemd credential, byte for byte.
  case fileContent(SecretBytes)
  /// A passphrase in UTF-8, without the line break that ended it.
  case passphrase(SecretBytes)

  /// The shortest key file, in bytes.
  package static let minimumFileLength = 32
  /// The longest key file and credential, in bytes.
  package static let maximumFileLength = 65_536
  /// The shortest new passphrase, in characters (Unicode scalars).
  package static let minimumPassphraseLength = 12
  /// The longest passphrase, in bytes.
  package static let maximumPassphraseLength = 1024

  /// The 32-byte key encryption key of a seal.
  ///
  /// HKDF-SHA-256 over the secret; a passphrase goes through scrypt first. Salt, kind and store
  /// make the keys of two seals unrelated even if both have the same key file.
  borrowing func keyEncryptionKey(
    _ kind: SealKind,
    store: StoreID,
    salt: [UInt8]
  ) throws(KeyringError) -> SecretBytes {
    var info = RecordWriter("keyward/v1/kek")
    info.add(kind.name)
    info.add(store.bytes)
    switch self {
    case .combinedShares(let bytes):
      guard kind.shareSet != nil, bytes.count == ShareSet.secretLength else {
        throw .wrongSecretKind(seal: kind.secretWords)
      }
      return try SealSecret.derive(bytes, salt: salt, info: info.bytes)
    case .fileContent(let bytes):
      guard kind.isAutomatic else { throw .wrongSecretKind(seal: kind.secretWords) }
      try SealSecret.checkFile(bytes)
      return try SealSecret.derive(bytes, salt: salt, info: info.bytes)
    case .passphrase(let bytes):
      guard case .passphrase(let cost) = kind else {
        throw .wrongSecretKind(seal: kind.secretWords)
      }
      guard bytes.count <= maximumPassphrase else {
        throw .passphraseRefused("it is longer than \(SealSecret.maximumPassphraseLength) bytes")
      }
      let stretched: SecretBytes
      do {
        stretched = try Scrypt.derive(
          passphrase: bytes,
          salt: salt,
          logN: cost.logN,
          r: cost.r,
          p: cost.p,
          count: 32
        )
      } catch {
        throw .crypto(error)
      }
      return try SealSecret.derive(stretched, salt: salt, info: info.bytes)
    }
  }

  /// Checks a secret for a new seal: the rules of key files, and the policy of passphrases.
  ///
  /// An old passphrase is not held to the policy, else nobody could unseal after it was tightened.
  package borrowing func checkForNewSeal() throws(KeyringError) {
    switch self {
    case .combinedShares: return
    case .fileContent(let bytes): try SealSecret.checkFile(bytes)
    case .passphrase(let bytes): try SealSecret.checkPassphrase(bytes)
    }
  }

  private var maximumPassphrase: Int { SealSecret.maximumPassphraseLength }

  private static func derive(
    _ secret: borrowing SecretBytes,
    salt: [UInt8],
    info: [UInt8]
  ) throws(KeyringError) -> SecretBytes {
    do {
      return try HKDF.derive(.sha256, key: secret, salt: salt, info: info, count: 32)
    } catch {
      throw .crypto(error)
    }
  }

  /// Refuses a key file that is too short, too long, all but constant, or a documented sample.
  private static func checkFile(_ content: borrowing SecretBytes) throws(KeyringError) {
    guard content.count >= minimumFileLength else {
      throw .keyFileRefused(
        "it has \(content.count) bytes, at least \(minimumFileLength) are needed"
      )
    }
    guard content.count <= maximumFileLength else {
      throw .keyFileRefused("it has \(content.count) bytes, at most \(maximumFileLength) are read")
    }
    guard distinctValues(content) >= 8 else {
      throw .keyFileRefused("its bytes are not random: nearly all are the same")
    }
    guard !SampleSecrets.contain(content) else {
      throw .keyFileRefused("it is a sample from the documentation")
    }
  }

  private static func checkPassphrase(_ text: borrowing SecretBytes) throws(KeyringError) {
    guard text.count <= maximumPassphraseLength else {
      throw .passphraseRefused("it is longer than \(maximumPassphraseLength) bytes")
    }
    let (characters, controls, isText) = text.withUnsafeBytes { bytes in
      // A UTF-8 character has exactly one byte that is not 0b10xxxxxx.
      (
        bytes.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) },
        bytes.contains { $0 < 0x20 || $0 == 0x7f },
        isUTF8(bytes)
      )
    }
    guard isText else { throw .passphraseRefused("it is not UTF-8 text") }
    guard !controls else { throw .passphraseRefused("it contains a control character") }
    guard characters >= minimumPassphraseLength else {
      throw .passphraseRefused("it is shorter than \(minimumPassphraseLength) characters")
    }
    guard distinctValues(text) >= 5 else {
      throw .passphraseRefused("nearly all its characters are the same")
    }
    guard !SampleSecrets.contain(text) else {
      throw .passphraseRefused("it is a sample from the documentation")
    }
  }

  /// How many different byte values occur in the first 4 KiB.
  private static func distinctValues(_ content: borrowing SecretBytes) -> Int {
    content.withUnsafeBytes { bytes in
      var distinct = 0
      for value in UInt8.min...UInt8.max where bytes.prefix(4096).contains(value) { distinct += 1 }
      return distinct
    }
  }

  /// Whether the bytes are well-formed UTF-8 (RFC 3629), without making a string of them.
  private static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue: continue
      case .emptyInput: return true
      case .error: return false
      }
    }
  }
}
