import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

/// From a seal's secret down to the material of a key, with the records that a store keeps.
///
/// Python goes the whole way by docs/key-hierarchy.md: what it opens is documented.
@Suite
struct HierarchyOracleTests {
  private let root: RootKey
  private let store: StoreID
  private let file = Fixtures.random(48)
  private let passphrase = "wägen, wagen und gewinnen"

  init() throws {
    root = try RootKey.generate()
    store = try #require(StoreID(Fixtures.random(16)))
  }

  @Test
  func theOracleOpensEverySeal() throws {
    let shared = try SealRecord.createShared(
      .unseal,
      threshold: 3,
      count: 5,
      store: store,
      rootKey: root
    )
    let recovery = try SealRecord.createShared(
      .recovery,
      threshold: 2,
      count: 2,
      store: store,
      rootKey: root
    )
    let seals: [(record: SealRecord, secret: String)] = [
      (
        try SealRecord.create(
          .keyFile,
          store: store,
          secret: Fixtures.fileSecret(file),
          rootKey: root
        ),
        "{\"file\": \"\(Hex.encode(file))\"}"
      ),
      (
        try SealRecord.create(
          .systemdCredential(name: "seal"),
          store: store,
          secret: Fixtures.fileSecret(file),
          rootKey: root
        ),
        "{\"file\": \"\(Hex.encode(file))\"}"
      ),
      (
        try SealRecord.create(
          .passphrase(.standard),
          store: store,
          secret: Fixtures.passphrase(passphrase),
          rootKey: root
        ),
        "{\"passphrase\": \"\(Hex.encode(Array(passphrase.utf8)))\"}"
      ),
      (shared.record, try secret([4, 0, 2].map { shared.shares[$0] })),
      (recovery.record, try secret(recovery.shares)),
    ]
    var keyring = try Keyring.create(store: store, at: Timestamp(milliseconds: 1_700_000_000_000))
    var lines: [String] = []
    var materials: [String] = []
    for seal in seals {
      let material = Fixtures.random(Int.random(in: 16...64))
      materials.append(Hex.encode(material))
      lines.append(try line(seal.record, seal.secret, keyring, material))
      keyring = try keyring.rotated(at: Timestamp(milliseconds: Int64.random(in: 0...(1 << 40))))
    }
    #expect(try Oracle(script: "envelope_seal.py").run("open", lines) == materials)
  }

  private func secret(_ shares: [Share]) throws -> String {
    let texts = try shares.map { "\"\(try Fixtures.text($0))\"" }
    return "{\"shares\": [\(texts.joined(separator: ", "))]}"
  }

  private func line(
    _ seal: SealRecord,
    _ secret: String,
    _ keyring: Keyring,
    _ material: [UInt8]
  ) throws -> String {
    let context = MaterialContext(
      key: try #require(KeyID(Fixtures.random(16))),
      version: UInt32.random(in: 1...1000),
      type: .aes256,
      neverExportable: Bool.random()
    )
    let term = try keyring.wrappedTerm(keyring.currentTerm, by: root)
    let wrapped = try keyring.wrapMaterial(try SecretBytes.fixture(material), context)
    return """
      {"seal": "\(Hex.encode(seal.encoded))", "secret": \(secret), "store": "\(store)", \
      "term": "\(Hex.encode(term.wrapped))", "created_at": \(term.createdAt.milliseconds), \
      "key_id": "\(context.key)", "version": \(context.version), "type": "aes-256", \
      "never_exportable": \(context.neverExportable ? 1 : 0), "material": "\(Hex.encode(wrapped))"}
      """
  }
}
