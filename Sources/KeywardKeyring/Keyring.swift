package import KeywardCrypto
package import KeywardModel

/// The keys that wrap key material: numbered terms, of which the highest is the current one.
///
/// An immutable snapshot, safe to share between threads: `rotated` makes another keyring, and
/// readers keep theirs until they take the new one. New material is wrapped by the current term;
/// older terms stay until everything under them was wrapped again.
package final class Keyring: Sendable {
  private struct Term: Sendable {
    let number: UInt32
    let createdAt: Timestamp
    let key: SecretBox
  }

  /// The store whose keyring it is.
  package let store: StoreID
  private let terms: [UInt32: Term]
  private let current: Term

  private init(store: StoreID, terms: [UInt32: Term], current: Term) {
    self.store = store
    self.terms = terms
    self.current = current
  }

  // MARK: - Making and opening

  /// A keyring with one new term, number 1.
  package static func create(store: StoreID, at now: Timestamp) throws(KeyringError) -> Keyring {
    let term = try newTerm(1, at: now)
    return Keyring(store: store, terms: [1: term], current: term)
  }

  /// Opens the terms of a store.
  ///
  /// - Throws: `decryptionFailed` if a term was not wrapped by this root key for this store with
  ///   this number and time; `malformedRecord` for no term or a number twice. That none is missing
  ///   is the store's to know, which keeps a digest of the set.
  package static func open(
    _ wrapped: [WrappedTerm],
    store: StoreID,
    rootKey: RootKey
  ) throws(KeyringError) -> Keyring {
    let key = try rootKey.subkey(.termWrapping)
    var terms: [UInt32: Term] = [:]
    for row in wrapped {
      let aad = AssociatedData.term(store: store, number: row.number, createdAt: row.createdAt)
      guard Envelope.version(of: row.wrapped) == row.number else { throw .decryptionFailed }
      let bytes = try Envelope.open(expecting: .aes256, key: key.bytes, aad: aad, row.wrapped)
      guard bytes.count == EnvelopeSuite.aes256.keyLength, terms[row.number] == nil else {
        throw .malformedRecord("keyring term \(row.number)")
      }
      terms[row.number] = Term(
        number: row.number,
        createdAt: row.createdAt,
        key: SecretBox(bytes)
      )
    }
    guard let highest = terms.keys.max(), let current = terms[highest] else {
      throw .malformedRecord("the keyring has no term")
    }
    return Keyring(store: store, terms: terms, current: current)
  }

  // MARK: - Terms

  /// The number of the term that wraps new material.
  package var currentTerm: UInt32 { current.number }

  /// All term numbers, ascending.
  package var termNumbers: [UInt32] { terms.keys.sorted() }

  /// When a term was made; nil for an unknown one.
  package func createdAt(_ term: UInt32) -> Timestamp? { terms[term]?.createdAt }

  /// A keyring with one more term, which is its current one.
  package func rotated(at now: Timestamp) throws(KeyringError) -> Keyring {
    guard current.number < UInt32.max else { throw .malformedRecord("no term number is left") }
    let term = try Keyring.newTerm(current.number + 1, at: now)
    var terms = terms
    terms[term.number] = term
    return Keyring(store: store, terms: terms, current: term)
  }

  /// A keyring without `term`, once nothing is wrapped by it any more; refuses the current one.
  package func retiring(_ term: UInt32) throws(KeyringError) -> Keyring {
    guard terms[term] != nil else { throw .unknownTerm(term) }
    guard term != current.number else {
      throw .invalidSealParameter("the current term cannot be retired")
    }
    var terms = terms
    terms[term] = nil
    return Keyring(store: store, terms: terms, current: current)
  }

  /// One term wrapped by the root key, as the store keeps it.
  package func wrappedTerm(
    _ number: UInt32,
    by rootKey: RootKey
  ) throws(KeyringError) -> WrappedTerm {
    guard let term = terms[number] else { throw .unknownTerm(number) }
    let wrapped = try Envelope.seal(
      .aes256,
      key: try rootKey.subkey(.termWrapping).bytes,
      version: number,
      aad: .term(store: store, number: number, createdAt: term.createdAt),
      plaintext: term.key.bytes
    )
    return WrappedTerm(number: number, createdAt: term.createdAt, wrapped: wrapped)
  }

  /// All terms wrapped by the root key, ascending.
  package func wrappedTerms(by rootKey: RootKey) throws(KeyringError) -> [WrappedTerm] {
    var rows: [WrappedTerm] = []
    for number in termNumbers { rows.append(try wrappedTerm(number, by: rootKey)) }
    return rows
  }

  // MARK: - Material and secrets

  /// Wraps the material of a key version by the current term.
  package func wrapMaterial(
    _ material: borrowing SecretBytes,
    _ context: MaterialContext
  ) throws(KeyringError) -> [UInt8] {
    try wrap(material, .material(store: store, context))
  }

  /// Unwraps what any term of this keyring wrapped for the same context.
  ///
  /// - Throws: `decryptionFailed`; `unknownTerm` if the envelope names a term that is not held.
  package func unwrapMaterial(
    _ wrapped: [UInt8],
    _ context: MaterialContext
  ) throws(KeyringError) -> SecretBytes {
    try unwrap(wrapped, .material(store: store, context))
  }

  /// Wraps material again by the current term, without showing it; what already is stays nil.
  package func rewrapMaterial(
    _ wrapped: [UInt8],
    _ context: MaterialContext
  ) throws(KeyringError) -> [UInt8]? {
    try rewrap(wrapped, .material(store: store, context))
  }

  /// Wraps the values of one version of a secret, one after the other, by the current term.
  package func wrapSecret(
    _ values: borrowing SecretBytes,
    _ context: SecretContext
  ) throws(KeyringError) -> [UInt8] {
    try wrap(values, .secret(store: store, context))
  }

  /// Unwraps what any term of this keyring wrapped for the same context.
  ///
  /// - Throws: `decryptionFailed`; `unknownTerm` if the envelope names a term that is not held.
  package func unwrapSecret(
    _ wrapped: [UInt8],
    _ context: SecretContext
  ) throws(KeyringError) -> SecretBytes {
    try unwrap(wrapped, .secret(store: store, context))
  }

  /// Wraps values again by the current term, without showing them; what already is stays nil.
  package func rewrapSecret(
    _ wrapped: [UInt8],
    _ context: SecretContext
  ) throws(KeyringError) -> [UInt8]? {
    try rewrap(wrapped, .secret(store: store, context))
  }

  private func wrap(
    _ plaintext: borrowing SecretBytes,
    _ aad: AssociatedData
  ) throws(KeyringError) -> [UInt8] {
    try Envelope.seal(
      .aes256,
      key: current.key.bytes,
      version: current.number,
      aad: aad,
      plaintext: plaintext
    )
  }

  private func unwrap(
    _ wrapped: [UInt8],
    _ aad: AssociatedData
  ) throws(KeyringError) -> SecretBytes {
    guard let number = Envelope.version(of: wrapped) else { throw .decryptionFailed }
    guard let term = terms[number] else { throw .unknownTerm(number) }
    return try Envelope.open(expecting: .aes256, key: term.key.bytes, aad: aad, wrapped)
  }

  private func rewrap(
    _ wrapped: [UInt8],
    _ aad: AssociatedData
  ) throws(KeyringError) -> [UInt8]? {
    guard Envelope.version(of: wrapped) != current.number else { return nil }
    return try wrap(try unwrap(wrapped, aad), aad)
  }

  private static func newTerm(_ number: UInt32, at now: Timestamp) throws(KeyringError) -> Term {
    do {
      let key = try SecretBytes.random(count: EnvelopeSuite.aes256.keyLength)
      return Term(number: number, createdAt: now, key: SecretBox(key))
    } catch {
      throw .crypto(error)
    }
  }
}

/// A keyring term as the store keeps it.
package struct WrappedTerm: Hashable, Sendable {
  package let number: UInt32
  package let createdAt: Timestamp
  /// The term's key in an envelope under the root key's `termWrapping` subkey, 93 bytes.
  package let wrapped: [UInt8]

  package init(number: UInt32, createdAt: Timestamp, wrapped: [UInt8]) {
    self.number = number
    self.createdAt = createdAt
    self.wrapped = wrapped
  }
}
