import Foundation
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct EnvelopeTests {
  private let aad = AssociatedData.backupChunk(backup: [1, 2, 3], index: 7, isFinal: false)

  private func key(_ suite: EnvelopeSuite, _ byte: UInt8 = 9) throws -> SecretBox {
    try Fixtures.box([UInt8](repeating: byte, count: suite.keyLength))
  }

  private func seal(
    _ suite: EnvelopeSuite,
    _ plaintext: [UInt8],
    version: UInt32 = 5
  ) throws -> [UInt8] {
    try Envelope.seal(
      suite,
      key: try key(suite).bytes,
      version: version,
      aad: aad,
      plaintext: try SecretBytes.fixture(plaintext)
    )
  }

  @Test(arguments: EnvelopeSuite.allCases)
  func opensWhatItSealed(suite: EnvelopeSuite) throws {
    for length in [0, 1, 15, 16, 17, 31, 32, 33, 255, 4096, 100_000] {
      let plaintext = Fixtures.random(length)
      let envelope = try seal(suite, plaintext)
      #expect(envelope.count == length + 61)
      #expect(envelope[0] == suite.rawValue)
      #expect(Envelope.version(of: envelope) == 5)
      let opened = try Envelope.open(
        expecting: suite,
        key: try key(suite).bytes,
        aad: aad,
        envelope
      )
      #expect(opened.revealed() == plaintext)
    }
  }

  /// kube-apiserver's seed is 32 bytes and its ciphertext has to stay below 96 of ours.
  @Test
  func aSeedTakesNinetyThreeBytes() throws {
    #expect(try seal(.aes256, Fixtures.random(32)).count == 93)
  }

  @Test(arguments: [0, 1, 0x0102_0304, UInt32.max])
  func theVersionReadsBack(version: UInt32) throws {
    #expect(Envelope.version(of: try seal(.aes256, [], version: version)) == version)
  }

  @Test(arguments: EnvelopeSuite.allCases)
  func everyFlippedBitIsRefused(suite: EnvelopeSuite) throws {
    let envelope = try seal(suite, Fixtures.random(20))
    let key = try key(suite)
    for position in envelope.indices {
      for bit in 0..<8 {
        var flipped = envelope
        flipped[position] ^= 1 << UInt8(bit)
        #expect(throws: KeyringError.decryptionFailed, "byte \(position)") {
          _ = try Envelope.open(expecting: suite, key: key.bytes, aad: aad, flipped)
        }
      }
    }
  }

  @Test
  func everyCutAndEveryLongerOneIsRefused() throws {
    let envelope = try seal(.aes256, Fixtures.random(20))
    let key = try key(.aes256)
    for length in envelope.indices {
      #expect(throws: KeyringError.decryptionFailed) {
        _ = try Envelope.open(
          expecting: .aes256,
          key: key.bytes,
          aad: aad,
          Array(envelope[..<length])
        )
      }
      #expect(throws: KeyringError.decryptionFailed) {
        _ = try Envelope.open(
          expecting: .aes256,
          key: key.bytes,
          aad: aad,
          Array(envelope[length...].dropFirst())
        )
      }
    }
    #expect(throws: KeyringError.decryptionFailed) {
      _ = try Envelope.open(expecting: .aes256, key: key.bytes, aad: aad, envelope + [0])
    }
  }

  @Test
  func noSuiteOpensAnothers() throws {
    for made in EnvelopeSuite.allCases {
      for expected in EnvelopeSuite.allCases where expected != made {
        var envelope = try seal(made, Fixtures.random(32))
        let key = try key(expected)
        #expect(throws: KeyringError.decryptionFailed) {
          _ = try Envelope.open(expecting: expected, key: key.bytes, aad: aad, envelope)
        }
        // Nor if the suite byte is changed to what the key says.
        envelope[0] = expected.rawValue
        #expect(throws: KeyringError.decryptionFailed) {
          _ = try Envelope.open(expecting: expected, key: key.bytes, aad: aad, envelope)
        }
      }
    }
  }

  @Test
  func keysOfAnotherLengthAreRefused() throws {
    let long = try key(.aes256)
    let short = try key(.aes128)
    for (suite, key) in [(EnvelopeSuite.aes128, long), (.aes256, short), (.chacha20, short)] {
      #expect(throws: KeyringError.self) {
        _ = try Envelope.seal(
          suite,
          key: key.bytes,
          version: 1,
          aad: aad,
          plaintext: try SecretBytes.fixture([1])
        )
      }
    }
  }

  /// Not even with a tag that the right key made over the wrong suite byte.
  @Test(arguments: [0x00, 0x02, 0x03, 0x04, 0x7f, 0xff] as [UInt8])
  func theSuiteByteHasToBeTheKeysOwn(suite: UInt8) throws {
    let key = try key(.aes256)
    let salt = Fixtures.random(24)
    for (byte, opens) in [(UInt8(0x01), true), (suite, false)] {
      let header = [byte, 0, 0, 0, 1] + salt
      let body = try CommittingAEAD.seal(
        .aes256CTR,
        key: key.bytes,
        salt: salt,
        aad: Envelope.authenticatedRecord(header: header, aad: aad),
        plaintext: try SecretBytes.fixture([1, 2, 3])
      )
      let opened = try? Envelope.open(
        expecting: .aes256,
        key: key.bytes,
        aad: aad,
        header + body
      ).revealed()
      #expect(opened == (opens ? [1, 2, 3] : nil))
    }
  }

  @Test(arguments: KeyType.allCases)
  func theSuiteIsTheKeyTypes(type: KeyType) {
    let suites: [KeyType: EnvelopeSuite] = [
      .aes128: .aes128, .aes256: .aes256, .chacha20Poly1305: .chacha20,
    ]
    let suite = EnvelopeSuite(type)
    #expect(suite == suites[type])
    #expect(suite?.keyLength == (suite == nil ? nil : type.generatedByteCount))
  }

  @Test
  func theVersionOfBytesThatAreNoEnvelopeIsNil() {
    #expect(Envelope.version(of: []) == nil)
    #expect(Envelope.version(of: [UInt8](repeating: 1, count: 60)) == nil)
    #expect(Envelope.version(of: [UInt8](repeating: 0, count: 61)) == nil)
    #expect(Envelope.version(of: [UInt8](repeating: 4, count: 93)) == nil)
  }

  // MARK: - Vectors and oracle

  @Test
  func theVectorsAreAllThere() {
    #expect(EnvelopeVector.all.count == 51)
    #expect(EnvelopeVector.all.filter { $0.fields["expect"] == "refused" }.count >= 20)
  }

  @Test(arguments: EnvelopeVector.all)
  func vectorsOpenOrAreRefused(vector: EnvelopeVector) throws {
    let suite = try vector.suite()
    let key = try Fixtures.box(try vector.bytes("key"))
    let aad = try vector.associatedData()
    // The record in the file was written by Python: ours has to be the same bytes.
    #expect(try aad.record == vector.bytes("aad"))
    let opened = Result {
      try Envelope.open(expecting: suite, key: key.bytes, aad: aad, vector.envelope).revealed()
    }
    switch vector.fields["expect"] {
    case "success":
      #expect(try opened.get() == vector.bytes("plaintext"))
      #expect(Envelope.version(of: vector.envelope) == 7)
    case "refused":
      #expect(throws: KeyringError.decryptionFailed) { _ = try opened.get() }
    default: Issue.record("unknown expectation")
    }
  }

  /// 1,000 envelopes each way against Python, with random suites, keys, contexts and lengths.
  @Test
  func agreesWithTheOracle() throws {
    let oracle = Oracle(script: "envelope.py")
    let cases = try (0..<1000).map { _ in try RandomCase() }
    let opened = try oracle.run("open", try cases.map { try $0.line(with: "envelope", $0.seal()) })
    #expect(opened == cases.map { Hex.encode($0.plaintext) })

    let sealed = try oracle.run("seal", cases.map { $0.line(with: "plaintext", $0.plaintext) })
    for (one, text) in zip(cases, sealed) {
      #expect(try one.open(try #require(Hex.decode(text))) == one.plaintext)
    }

    // And Python refuses what was changed.
    let changed = try cases.prefix(200).map { one in
      var envelope = try one.seal()
      envelope[Int.random(in: envelope.indices)] ^= 1 << UInt8.random(in: 0..<8)
      return one.line(with: "envelope", envelope)
    }
    #expect(try oracle.run("open", changed).allSatisfy { $0 == "refused" })
  }

  // MARK: - Salts (V25)

  /// A million salts, as `seal` draws them, and 20,000 whole envelopes: none twice.
  @Test
  func noSaltRepeats() throws {
    var salts: [UInt64] = []
    salts.reserveCapacity(1_020_000)
    func take(_ salt: ArraySlice<UInt8>) {
      // Eight bytes of it: two of a million agree by chance once in 10^7 runs.
      salts.append(salt.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
    for _ in 0..<1_000_000 { take(try RandomSource.bytes(Envelope.saltLength)[...]) }
    let key = try key(.aes256)
    let plaintext = try Fixtures.box([1])
    for _ in 0..<20_000 {
      let envelope = try Envelope.seal(
        .aes256,
        key: key.bytes,
        version: 1,
        aad: aad,
        plaintext: plaintext.bytes
      )
      take(envelope[5..<29])
    }
    #expect(Set(salts).count == salts.count)
  }

  @Test
  func equalPlaintextsHaveUnequalEnvelopes() throws {
    let first = try seal(.aes256, [UInt8](repeating: 0, count: 32))
    let second = try seal(.aes256, [UInt8](repeating: 0, count: 32))
    #expect(first[29..<61] != second[29..<61])
    #expect(first[61...] != second[61...])
  }
}

/// A random message of a random key.
private struct RandomCase {
  let suite: EnvelopeSuite
  let key: [UInt8]
  let version: UInt32
  let store: StoreID
  let keyID: KeyID
  let context: [UInt8]
  let plaintext: [UInt8]

  init() throws {
    suite = try #require(EnvelopeSuite.allCases.randomElement())
    key = Fixtures.random(suite.keyLength)
    version = UInt32.random(in: 0...UInt32.max)
    store = try #require(StoreID(Fixtures.random(16)))
    keyID = try #require(KeyID(Fixtures.random(16)))
    context = Fixtures.random(Int.random(in: 0...40))
    plaintext = Fixtures.random(Int.random(in: 0...300))
  }

  private var aad: AssociatedData {
    .message(store: store, key: keyID, version: version, context: context)
  }

  func seal() throws -> [UInt8] {
    try Envelope.seal(
      suite,
      key: try SecretBytes.fixture(key),
      version: version,
      aad: aad,
      plaintext: try SecretBytes.fixture(plaintext)
    )
  }

  func open(_ envelope: [UInt8]) throws -> [UInt8] {
    try Envelope.open(
      expecting: suite,
      key: try SecretBytes.fixture(key),
      aad: aad,
      envelope
    ).revealed()
  }

  func line(with field: String, _ bytes: [UInt8]) -> String {
    """
    {"suite": \(suite.rawValue), "key": "\(Hex.encode(key))", "version": \(version), \
    "store": "\(store)", "key_id": "\(keyID)", "context": "\(Hex.encode(context))", \
    "\(field)": "\(Hex.encode(bytes))"}
    """
  }
}
