import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// The way back of each form, by which a file is tried before it leaves.
@Suite
struct WayBackTests {
  private static let material = [UInt8](0..<48)

  private static func secret(_ bytes: [UInt8]) throws -> SecretBytes {
    var secret = try SecretBytes(count: bytes.count)
    secret.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    return secret
  }

  /// One changed character in each part of a text.
  private static func damaged(_ text: String) -> [String] {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    return parts.indices.map { index in
      var parts = parts
      let middle = parts[index].index(parts[index].startIndex, offsetBy: parts[index].count / 2)
      let new = parts[index][middle] == "A" ? "B" : "A"
      parts[index].replaceSubrange(middle...middle, with: new)
      return parts.joined(separator: ".")
    }
  }

  @Test(arguments: [
    AsymmetricAlgorithm.rsa(bits: 2048), .p256, .p384, .p521, .x25519,
  ])
  func jweToAPublicKey(_ algorithm: AsymmetricAlgorithm) throws {
    let recipient = try PrivateKey.generate(algorithm)
    let text = try JWE.seal(
      try Self.secret(Self.material),
      kid: "app/key/1",
      to: try recipient.publicKey()
    )
    #expect(try JWE.open(text, with: recipient).revealed() == Self.material)
    let stranger = try PrivateKey.generate(algorithm)
    #expect(throws: CryptoError.self) { _ = try JWE.open(text, with: stranger).count }
    for damaged in Self.damaged(text) + ["", "....", String(text.dropLast(30)), text + ".A"] {
      #expect(throws: CryptoError.self) { _ = try JWE.open(damaged, with: recipient).count }
    }
  }

  @Test
  func jweUnderASharedKey() throws {
    let (kek, other) = ([UInt8](repeating: 7, count: 32), [UInt8](repeating: 8, count: 32))
    let text = try JWE.seal(
      try Self.secret(Self.material),
      kid: "app/key/1",
      under: try Self.secret(kek)
    )
    #expect(try JWE.open(text, under: try Self.secret(kek)).revealed() == Self.material)
    #expect(throws: CryptoError.self) {
      _ = try JWE.open(text, under: try Self.secret(other)).count
    }
    for damaged in Self.damaged(text) {
      #expect(throws: CryptoError.self) {
        _ = try JWE.open(damaged, under: try Self.secret(kek)).count
      }
    }
  }

  @Test(arguments: [KeyType.aes256, .hmacSHA256])
  func tinkUnderAKey(_ type: KeyType) throws {
    let kek = [UInt8](repeating: 7, count: 32)
    let key = [UInt8](0..<32)
    let file = try TinkKeyset.encrypted(
      try Self.secret(key),
      type,
      id: 77,
      under: try Self.secret(kek),
      associatedData: [1]
    )
    let keyset = try TinkKeyset.open(file, under: try Self.secret(kek), associatedData: [1])
      .revealed()
    #expect(keyset.indices.contains { keyset[$0...].starts(with: key) })
    #expect(throws: CryptoError.self) {
      _ = try TinkKeyset.open(file, under: try Self.secret(kek), associatedData: [2]).count
    }
    #expect(throws: CryptoError.self) {
      _ = try TinkKeyset.open(file, under: try Self.secret(key), associatedData: [1]).count
    }
    #expect(throws: CryptoError.self) {
      _ = try TinkKeyset.open(Array("{}".utf8), under: try Self.secret(kek)).count
    }
  }

  @Test(arguments: [AsymmetricAlgorithm.rsa(bits: 2048), .p256, .ed25519])
  func underAPassword(_ algorithm: AsymmetricAlgorithm) throws {
    let password = try Self.secret(Array("a password of some length".utf8))
    let wrong = try Self.secret(Array("another of some length".utf8))
    let key = try PrivateKey.generate(algorithm)
    let der = try key.pkcs8()
    let file = try PasswordFiles.encryptedPKCS8(der, password: password)
    #expect(try PasswordFiles.openPKCS8(file, password: password).constantTimeEquals(der))
    #expect(throws: CryptoError.authenticationFailed) {
      _ = try PasswordFiles.openPKCS8(file, password: wrong).count
    }
    let store = try PasswordFiles.pkcs12(
      key,
      name: "key",
      certificate: nil,
      from: 1_700_000_000,
      to: 1_900_000_000,
      password: password
    )
    let opened = try PasswordFiles.openPKCS12(store, password: password, expecting: algorithm)
    #expect(try opened.publicKey().spki() == key.publicKey().spki())
    for (file, password) in [(store, "another of some length"), (Array(store.dropLast(9)), "x")] {
      #expect(throws: CryptoError.authenticationFailed) {
        _ = try PasswordFiles.openPKCS12(
          file,
          password: try Self.secret(Array(password.utf8)),
          expecting: algorithm
        )
      }
    }
  }
}
