import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct SealRecordTests {
  private static let kinds = ["key-file", "passphrase", "systemd-credential", "shamir", "recovery"]
  private static let file = [UInt8](0..<64)

  private func kind(_ name: String) throws -> KeywardKeyring.SealKind {
    switch name {
    case "key-file": .keyFile
    case "passphrase": .passphrase(try Fixtures.cheapScrypt())
    default: .systemdCredential(name: "keyward-seal.key")
    }
  }

  private func secret(_ kind: KeywardKeyring.SealKind) throws -> SealSecret {
    switch kind {
    case .passphrase: try Fixtures.passphrase("a long passphrase")
    default: try Fixtures.fileSecret(Self.file)
    }
  }

  private func record(_ name: String, root: RootKey) throws -> SealRecord {
    let store = try Fixtures.store()
    switch name {
    case "shamir", "recovery":
      return try SealRecord.createShared(
        name == "shamir" ? .unseal : .recovery,
        threshold: 2,
        count: 3,
        store: store,
        rootKey: root
      ).record
    default:
      let kind = try kind(name)
      return try SealRecord.create(kind, store: store, secret: secret(kind), rootKey: root)
    }
  }

  @Test(arguments: ["key-file", "passphrase", "systemd-credential"])
  func opensWithItsSecret(name: String) throws {
    let root = try RootKey.generate()
    let record = try record(name, root: root)
    #expect(record.kind.name == name)
    let opened = try record.open(with: secret(record.kind))
    #expect(opened.isSame(as: root))
    #expect(record.wrappedRootKey.count == 93)
  }

  @Test
  func theStandardPassphraseSealOpens() throws {
    let root = try RootKey.generate()
    let kind = KeywardKeyring.SealKind.passphrase(.standard)
    let record = try SealRecord.create(
      kind,
      store: try Fixtures.store(),
      secret: secret(kind),
      rootKey: root
    )
    #expect(try record.open(with: secret(kind)).isSame(as: root))
  }

  @Test
  func aWrongSecretIsNamedAsSuch() throws {
    let root = try RootKey.generate()
    for name in ["key-file", "systemd-credential"] {
      let record = try record(name, root: root)
      var content = Self.file
      content[63] ^= 1
      #expect(throws: KeyringError.sealSecretMismatch(seal: record.kind.secretWords)) {
        _ = try record.open(with: Fixtures.fileSecret(content))
      }
      #expect(throws: KeyringError.keyFileRefused("it has 5 bytes, at least 32 are needed")) {
        _ = try record.open(with: Fixtures.fileSecret([1, 2, 3, 4, 5]))
      }
    }
    let record = try record("passphrase", root: root)
    for text in ["a long passphrasE", "a long passphrase ", "", "short"] {
      #expect(throws: KeyringError.sealSecretMismatch(seal: "passphrase")) {
        _ = try record.open(with: Fixtures.passphrase(text))
      }
    }
  }

  @Test
  func aSecretOfAnotherKindIsNamedAsSuch() throws {
    let root = try RootKey.generate()
    for name in Self.kinds {
      let record = try record(name, root: root)
      for other in ["file", "passphrase", "shares"] {
        let fits =
          other == "file" && record.kind.isAutomatic || other == name
          || other == "shares" && record.kind.shareSet != nil
        guard !fits else { continue }
        #expect(throws: KeyringError.wrongSecretKind(seal: record.kind.secretWords)) {
          switch other {
          case "file": _ = try record.open(with: Fixtures.fileSecret(Self.file))
          case "passphrase": _ = try record.open(with: Fixtures.passphrase("a long passphrase"))
          default:
            _ = try record.open(
              with: .combinedShares(try SecretBytes.fixture([UInt8](repeating: 1, count: 32)))
            )
          }
        }
      }
    }
  }

  /// One key file seals a credential and a key file, in two stores: no KEK is another's.
  @Test
  func theSameFileMakesUnrelatedSeals() throws {
    let root = try RootKey.generate()
    var values: Set<[UInt8]> = []
    for _ in 0..<3 {
      for name in ["key-file", "systemd-credential"] {
        values.insert(try record(name, root: root).checkValue)
      }
    }
    #expect(values.count == 6)
  }

  @Test
  func weakSecretsMakeNoSeal() throws {
    let root = try RootKey.generate()
    let store = try Fixtures.store()
    #expect(throws: KeyringError.self) {
      _ = try SealRecord.create(
        .keyFile,
        store: store,
        secret: Fixtures.fileSecret([UInt8](repeating: 0, count: 32)),
        rootKey: root
      )
    }
    #expect(throws: KeyringError.self) {
      _ = try SealRecord.create(
        .passphrase(try Fixtures.cheapScrypt()),
        store: store,
        secret: Fixtures.passphrase("short"),
        rootKey: root
      )
    }
    let set = try ShareSet.random(threshold: 2, count: 3)
    #expect(throws: KeyringError.self) {
      _ = try SealRecord.create(
        .shamir(set),
        store: store,
        secret: Fixtures.fileSecret(Self.file),
        rootKey: root
      )
    }
  }

  @Test(arguments: ["", ".", "..", "a/b", "a b", "ä", String(repeating: "x", count: 65), "a\u{0}"])
  func namesThatAreNoCredentialsAreRefused(name: String) throws {
    let root = try RootKey.generate()
    #expect(throws: KeyringError.self) {
      _ = try SealRecord.create(
        .systemdCredential(name: name),
        store: try Fixtures.store(),
        secret: Fixtures.fileSecret(Self.file),
        rootKey: root
      )
    }
  }

  @Test(arguments: [(1, 2), (3, 2), (0, 0), (2, 256)])
  func impossibleShareSetsAreRefused(threshold: Int, count: Int) throws {
    let root = try RootKey.generate()
    #expect(throws: KeyringError.invalidThreshold(threshold: threshold, count: count)) {
      _ = try SealRecord.createShared(
        .unseal,
        threshold: threshold,
        count: count,
        store: try Fixtures.store(),
        rootKey: root
      )
    }
  }

  // MARK: - The stored form

  @Test(arguments: kinds)
  func readsBackWhatItWrote(name: String) throws {
    let record = try record(name, root: try RootKey.generate())
    #expect(try SealRecord(decoding: record.encoded) == record)
  }

  /// Every byte of every kind, changed: not read, or read and refused, or opened to the same root
  /// key never.
  @Test(arguments: ["key-file", "passphrase", "systemd-credential"])
  func everyChangedByteIsRefused(name: String) throws {
    let root = try RootKey.generate()
    let record = try record(name, root: root)
    var opened: [Int] = []
    for position in record.encoded.indices {
      for change: UInt8 in [0x01, 0x80] {
        var bytes = record.encoded
        bytes[position] ^= change
        guard let changed = try? SealRecord(decoding: bytes) else { continue }
        if (try? changed.open(with: secret(record.kind))) != nil { opened.append(position) }
      }
    }
    #expect(opened.isEmpty)
  }

  @Test(arguments: kinds)
  func everyCutIsRefused(name: String) throws {
    let bytes = try record(name, root: try RootKey.generate()).encoded
    for length in bytes.indices {
      #expect(throws: KeyringError.self) { _ = try SealRecord(decoding: Array(bytes[..<length])) }
    }
    #expect(throws: KeyringError.self) { _ = try SealRecord(decoding: bytes + [0]) }
    #expect(throws: KeyringError.self) { _ = try SealRecord(decoding: bytes + bytes) }
  }

  @Test
  func aRecordOfANewerVersionIsNamedAsSuch() throws {
    var record = RecordWriter("keyward/v2/seal")
    record.add([1])
    #expect(throws: KeyringError.unsupportedVersion("The seal record")) {
      _ = try SealRecord(decoding: record.bytes)
    }
    #expect(throws: KeyringError.malformedRecord("a seal record longer than 8192 bytes")) {
      _ = try SealRecord(decoding: [UInt8](repeating: 0, count: 8193))
    }
  }

  /// A record with the wrapped key of another record: the secret fits, the root key does not open.
  @Test
  func aWrappedKeyFromAnotherRecordIsNoticed() throws {
    let root = try RootKey.generate()
    let first = try record("key-file", root: root).encoded
    let second = try record("key-file", root: root).encoded
    let spliced = try SealRecord(decoding: Array(first.dropLast(93)) + second.suffix(93))
    #expect(throws: KeyringError.sealRecordAltered) {
      _ = try spliced.open(with: Fixtures.fileSecret(Self.file))
    }
  }
}
