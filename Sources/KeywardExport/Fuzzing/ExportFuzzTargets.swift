import KeywardCrypto
import KeywardModel
import Synchronization

/// The entry points of the fuzzers: each takes any bytes and must return.
///
/// A trap here is a finding: a reader trapped on outside bytes, or a property that the `precondition`s
/// state does not hold.
package enum ExportFuzzTargets {
  /// By the names of `scripts/fuzz`, which are those of their folders in `Tests/Corpus`.
  package static let all: [(name: String, target: @Sendable ([UInt8]) -> Void)] = [
    ("parameters-json", parametersFile), ("wrapping-key-spki", wrappingKey),
    ("wrapping-key-pem", wrappingKeyText), ("byok", byok), ("jwk", jwk), ("pkcs8", pkcs8),
    ("jwe", jwe), ("tink", tink), ("import-body", importBody), ("export-check", check),
    ("provider-answers", answers),
  ]

  static let now = Timestamp(milliseconds: 1_790_000_000_000)

  /// One of `values` by a byte; nil for 0 and for bytes beyond the last.
  static func choice<T>(_ byte: UInt8, of values: [T]) -> T? {
    (1...values.count).contains(Int(byte)) ? values[Int(byte) - 1] : nil
  }

  private static let looks = Mutex(0)

  /// Whether an input that brings libcrypto to an RSA key is read to its end.
  ///
  /// The first 100 of a process are, which are the corpus or one input to look into; then each sixteenth.
  /// A look at a public key of 2048 bits takes 4 ms, half an hour in a million inputs. Which moduli it
  /// refuses is by chance where they have factors that are easy to find, so that what was taken once
  /// may be refused at the next look.
  static func isTurnOfRSA() -> Bool {
    looks.withLock { looks in
      looks += 1
      return looks <= 100 || looks % 16 == 0
    }
  }

  /// Whether bytes have the form of an RSA key's SubjectPublicKeyInfo.
  static func hasFormOfRSA(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      guard let outer = DERElement(bytes, at: 0),
        let identifier = DERElement(bytes, at: outer.start),
        let name = DERElement(bytes, at: identifier.start)
      else { return false }
      return name.holds([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], in: bytes)
    }
  }

  /// The SubjectPublicKeyInfo of a wrapping key; what is taken is its only spelling.
  static func wrappingKey(_ bytes: [UInt8]) {
    guard !hasFormOfRSA(bytes) || isTurnOfRSA() else { return }
    if let key = try? PublicKey(spki: bytes) { precondition((try? key.spki()) == bytes) }
    guard let der = try? ParametersFile.wrappingKey(bytes) else { return }
    precondition(der == bytes)
    precondition((try? PEMText.publicKey(PEMText.encode(publicKey: der))) == der)
  }

  /// A wrapping key in PEM, by both readers.
  ///
  /// That of providers' answers takes no text that the other does not, nor another key from it.
  static func wrappingKeyText(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let der = try? PEMText.publicKey(text)
    if let der { precondition((try? PEMText.publicKey(PEMText.encode(publicKey: der))) == der) }
    guard der.map({ !hasFormOfRSA($0) }) ?? true || isTurnOfRSA() else { return }
    if let key = try? WrappingKeyCheck.der(pem: text, bits: 2048) { precondition(key == der) }
    if let key = try? ParametersFile.wrappingKey(pem: text) { precondition(key == der) }
  }

  /// A JWK; the key that is read is written, and read as the same.
  ///
  /// The RSA keys of the corpus have numbers that are no primes: to prove those of an intact key
  /// takes libcrypto 45 ms. Intact ones are read in `FileFormatTests`.
  static func jwk(_ bytes: [UInt8]) {
    guard let text = try? SecretBytes.fixture(bytes), let content = try? JWK.read(text) else {
      return
    }
    let type = content.type ?? .opaque
    precondition(type.isKeyPair || content.material.bytes.count > 0)
    guard let again = try? JWK.write(content.material.bytes, type, kid: "k"),
      let read = try? JWK.read(again)
    else { preconditionFailure("a key that was read cannot be written") }
    precondition(read.type == content.type)
    precondition(read.material.bytes.constantTimeEquals(content.material.bytes))
  }

  /// A private key before it is wrapped; what is read is written, and read as the same.
  ///
  /// Of RSA keys see ``jwk(_:)``.
  static func pkcs8(_ bytes: [UInt8]) {
    guard let file = try? SecretBytes.fixture(bytes) else { return }
    let report = look(bytes, ExportCheck.Hints(kind: .pkcs8))
    guard let key = try? PrivateKey(pkcs8: file) else {
      precondition(report?.isSound != true, "a key that cannot be read is said to be right")
      return
    }
    precondition(KeyShape.recognize(file) == .pkcs8)
    guard let written = try? ExportMaterial.canonical(key),
      let read = try? PrivateKey(pkcs8: written), let again = try? ExportMaterial.canonical(read)
    else { preconditionFailure("a key that was read cannot be written") }
    precondition(read.algorithm == key.algorithm && again.constantTimeEquals(written))
    precondition(look(written.revealed(), ExportCheck.Hints(kind: .pkcs8))?.isSound == true)
  }

  private static let sharedKey = [UInt8](repeating: 0x4b, count: 32)
  /// What is encrypted in each JWE of the corpus that opens.
  private static let jweContent = Array(#"{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}"#.utf8)
  private static let recipient = try? PrivateKey(raw: SecretBytes.fixture(sharedKey), .x25519)
  private static let strangers: [PrivateKey] = [AsymmetricAlgorithm.rsa(bits: 2048), .p256]
    .compactMap { try? ThrowAwayKeys.key($0) }

  /// A JWE under a shared key, to a known X25519 key, and to two that nobody knows.
  ///
  /// What opens is what was encrypted, and the check finds nothing wrong with it.
  static func jwe(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let kek = try? SecretBytes.fixture(sharedKey), let recipient else { return }
    for stranger in strangers {
      if let opened = try? JWE.open(text, with: stranger) {
        preconditionFailure("opened without its key: \(opened.count) bytes")
      }
    }
    let report = look(bytes, ExportCheck.Hints(kind: .jwe))
    let content: [UInt8]
    if let opened = try? JWE.open(text, under: kek) {
      content = opened.revealed()
    } else if let opened = try? JWE.open(text, with: recipient) {
      content = opened.revealed()
    } else {
      return
    }
    precondition(content == jweContent)
    precondition(report?.isSound == true, "a JWE that opens is said to be wrong")
  }

  /// An encrypted Tink keyset; what opens is a Keyset, which begins with its primary key's id.
  static func tink(_ bytes: [UInt8]) {
    guard let kek = try? SecretBytes.fixture(sharedKey),
      let keyset = try? TinkKeyset.open(bytes, under: kek)
    else { return }
    precondition(keyset.withUnsafeBytes { $0.first } == 0x08)
  }
}
