import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct AssociatedDataTests {
  /// One of each purpose, and each field of each changed: all different.
  @Test
  func everyFieldAndEveryPurposeMatters() throws {
    let store = try Fixtures.store()
    let other = try Fixtures.store(9)
    let key = try Fixtures.key()
    let otherKey = try Fixtures.key(9)
    let id = try #require(KMSKeyID(random: [UInt8](repeating: 1, count: 16)))
    let otherID = try #require(KMSKeyID(random: [UInt8](repeating: 2, count: 16)))
    let moment = Timestamp(milliseconds: 1000)
    let all: [AssociatedData] = [
      .auditSigningKey(store: store, origin: "a"), .auditSigningKey(store: other, origin: "a"),
      .auditSigningKey(store: store, origin: "b"),
      .backupChunk(backup: [1], index: 0, isFinal: false),
      .backupChunk(backup: [2], index: 0, isFinal: false),
      .backupChunk(backup: [1], index: 1, isFinal: false),
      .backupChunk(backup: [1], index: 0, isFinal: true),
      .kms(store: store, key: key, version: 1, keyID: id),
      .kms(store: other, key: key, version: 1, keyID: id),
      .kms(store: store, key: otherKey, version: 1, keyID: id),
      .kms(store: store, key: key, version: 2, keyID: id),
      .kms(store: store, key: key, version: 1, keyID: otherID),
      .material(store: store, try Fixtures.context()),
      .material(store: other, try Fixtures.context()),
      .material(store: store, try Fixtures.context(key: 9)),
      .material(store: store, try Fixtures.context(version: 2)),
      .material(store: store, try Fixtures.context(type: .chacha20Poly1305)),
      .material(store: store, try Fixtures.context(neverExportable: false)),
      .message(store: store, key: key, version: 1, context: []),
      .message(store: other, key: key, version: 1, context: []),
      .message(store: store, key: otherKey, version: 1, context: []),
      .message(store: store, key: key, version: 2, context: []),
      .message(store: store, key: key, version: 1, context: [0]),
      .seal(parameters: []), .seal(parameters: [0]),
      .term(store: store, number: 1, createdAt: moment),
      .term(store: other, number: 1, createdAt: moment),
      .term(store: store, number: 2, createdAt: moment),
      .term(store: store, number: 1, createdAt: Timestamp(milliseconds: 1001)),
    ]
    #expect(Set(all).count == all.count)
  }
}
