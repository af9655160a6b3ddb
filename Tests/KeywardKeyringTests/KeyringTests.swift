import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct KeyringTests {
  private let now = Timestamp(milliseconds: 1_795_437_296_789)

  private func keyring() throws -> Keyring {
    try Keyring.create(store: try Fixtures.store(), at: now)
  }

  private func unwrap(
    _ keyring: Keyring,
    _ wrapped: [UInt8],
    _ context: MaterialContext
  ) throws -> [UInt8] {
    try keyring.unwrapMaterial(wrapped, context).revealed()
  }

  @Test
  func unwrapsWhatItWrapped() throws {
    let keyring = try keyring()
    let context = try Fixtures.context()
    for length in [0, 1, 16, 32, 2400] {
      let material = Fixtures.random(length)
      let wrapped = try keyring.wrapMaterial(try SecretBytes.fixture(material), context)
      #expect(try unwrap(keyring, wrapped, context) == material)
      #expect(Envelope.version(of: wrapped) == 1)
    }
  }

  @Test
  func materialOpensForItsOwnRowOnly() throws {
    let keyring = try keyring()
    let wrapped = try keyring.wrapMaterial(
      try SecretBytes.fixture([1, 2, 3]),
      try Fixtures.context()
    )
    for other in [
      try Fixtures.context(key: 3), try Fixtures.context(version: 2),
      try Fixtures.context(type: .hmacSHA256), try Fixtures.context(neverExportable: false),
    ] {
      #expect(throws: KeyringError.decryptionFailed) { _ = try unwrap(keyring, wrapped, other) }
    }
  }

  /// The same terms under another store id: what a copied database amounts to.
  @Test
  func materialOfOneStoreIsRefusedInAnother() throws {
    let root = try RootKey.generate()
    let rows = try keyring().wrappedTerms(by: root)
    #expect(throws: KeyringError.decryptionFailed) {
      _ = try Keyring.open(rows, store: try Fixtures.store(8), rootKey: root)
    }
    let other = try Keyring.create(store: try Fixtures.store(8), at: now)
    let wrapped = try keyring().wrapMaterial(try SecretBytes.fixture([1]), try Fixtures.context())
    #expect(throws: KeyringError.decryptionFailed) {
      _ = try unwrap(other, wrapped, try Fixtures.context())
    }
  }

  @Test
  func aRotatedKeyringOpensOldAndNew() throws {
    let root = try RootKey.generate()
    let context = try Fixtures.context()
    var keyring = try keyring()
    var wrapped: [[UInt8]] = []
    for term in UInt32(1)...50 {
      #expect(keyring.currentTerm == term)
      wrapped.append(
        try keyring.wrapMaterial(try SecretBytes.fixture([UInt8(term)]), context)
      )
      keyring = try keyring.rotated(at: now.adding(seconds: Int64(term)))
    }
    #expect(keyring.termNumbers == Array(1...51))
    let opened = try Keyring.open(
      try keyring.wrappedTerms(by: root).shuffled(),
      store: keyring.store,
      rootKey: root
    )
    #expect(opened.currentTerm == 51)
    #expect(opened.createdAt(2) == now.adding(seconds: 1))
    for (index, one) in wrapped.enumerated() {
      #expect(try unwrap(opened, one, context) == [UInt8(index + 1)])
      let again = try #require(try opened.rewrapMaterial(one, context))
      #expect(Envelope.version(of: again) == 51)
      #expect(try unwrap(keyring, again, context) == [UInt8(index + 1)])
      #expect(try opened.rewrapMaterial(again, context) == nil)
    }
  }

  @Test
  func rotationLeavesTheOldSnapshotAlone() throws {
    let first = try keyring()
    let second = try first.rotated(at: now)
    #expect(first.termNumbers == [1])
    #expect(second.termNumbers == [1, 2])
    let wrapped = try second.wrapMaterial(try SecretBytes.fixture([1]), try Fixtures.context())
    #expect(throws: KeyringError.unknownTerm(2)) {
      _ = try unwrap(first, wrapped, try Fixtures.context())
    }
  }

  @Test
  func aRetiredTermIsGone() throws {
    let first = try keyring()
    let wrapped = try first.wrapMaterial(try SecretBytes.fixture([1]), try Fixtures.context())
    let second = try first.rotated(at: now).retiring(1)
    #expect(second.termNumbers == [2])
    #expect(throws: KeyringError.unknownTerm(1)) {
      _ = try unwrap(second, wrapped, try Fixtures.context())
    }
    #expect(throws: KeyringError.unknownTerm(7)) { _ = try second.retiring(7) }
    #expect(throws: KeyringError.self) { _ = try second.retiring(2) }
  }

  @Test
  func editedTermRowsAreRefused() throws {
    let root = try RootKey.generate()
    let keyring = try keyring().rotated(at: now)
    let rows = try keyring.wrappedTerms(by: root)
    func refuses(_ rows: [WrappedTerm], _ comment: Comment) {
      #expect(throws: KeyringError.self, comment) {
        _ = try Keyring.open(rows, store: keyring.store, rootKey: root)
      }
    }
    let first = rows[0]
    for position in first.wrapped.indices {
      var bytes = first.wrapped
      bytes[position] ^= 1
      refuses(
        [WrappedTerm(number: 1, createdAt: now, wrapped: bytes), rows[1]],
        "byte \(position)"
      )
    }
    refuses([WrappedTerm(number: 3, createdAt: now, wrapped: first.wrapped)], "another number")
    refuses(
      [WrappedTerm(number: 1, createdAt: now.adding(seconds: 1), wrapped: first.wrapped)],
      "another time"
    )
    refuses([WrappedTerm(number: 1, createdAt: now, wrapped: rows[1].wrapped)], "exchanged")
    refuses([first, first], "twice")
    refuses([], "none")
    let other = try RootKey.generate()
    #expect(throws: KeyringError.decryptionFailed) {
      _ = try Keyring.open(rows, store: keyring.store, rootKey: other)
    }
  }

  @Test
  func theLastTermNumberIsNotPassed() throws {
    let root = try RootKey.generate()
    let store = try Fixtures.store()
    let wrapped = try Envelope.seal(
      .aes256,
      key: try root.subkey(.termWrapping).bytes,
      version: .max,
      aad: .term(store: store, number: .max, createdAt: now),
      plaintext: try SecretBytes.fixture([UInt8](repeating: 1, count: 32))
    )
    let row = WrappedTerm(number: .max, createdAt: now, wrapped: wrapped)
    let keyring = try Keyring.open([row], store: store, rootKey: root)
    #expect(throws: KeyringError.self) { _ = try keyring.rotated(at: now) }
  }

  /// A row that says another number than its envelope is refused, whoever made it.
  @Test
  func aTermUnderAnotherVersionIsRefused() throws {
    let root = try RootKey.generate()
    let store = try Fixtures.store()
    let wrapped = try Envelope.seal(
      .aes256,
      key: try root.subkey(.termWrapping).bytes,
      version: 2,
      aad: .term(store: store, number: 1, createdAt: now),
      plaintext: try SecretBytes.fixture([UInt8](repeating: 1, count: 32))
    )
    #expect(throws: KeyringError.decryptionFailed) {
      _ = try Keyring.open(
        [WrappedTerm(number: 1, createdAt: now, wrapped: wrapped)],
        store: store,
        rootKey: root
      )
    }
  }

  /// A term of a wrong length that the root key did wrap is still no term.
  @Test
  func aTermOfAnotherLengthIsRefused() throws {
    let root = try RootKey.generate()
    let store = try Fixtures.store()
    let wrapped = try Envelope.seal(
      .aes256,
      key: try root.subkey(.termWrapping).bytes,
      version: 1,
      aad: .term(store: store, number: 1, createdAt: now),
      plaintext: try SecretBytes.fixture([UInt8](repeating: 1, count: 16))
    )
    #expect(throws: KeyringError.malformedRecord("keyring term 1")) {
      _ = try Keyring.open(
        [WrappedTerm(number: 1, createdAt: now, wrapped: wrapped)],
        store: store,
        rootKey: root
      )
    }
  }

  @Test
  func oneKeyringServesManyThreads() async throws {
    let keyring = try keyring()
    let context = try Fixtures.context()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          for round in 0..<200 {
            let material = [UInt8(task), UInt8(round)]
            let wrapped = try keyring.wrapMaterial(try SecretBytes.fixture(material), context)
            guard try keyring.unwrapMaterial(wrapped, context).revealed() == material else {
              return false
            }
          }
          return true
        }
      }
      for try await fine in group { #expect(fine) }
    }
  }
}
