import KeywardAudit
package import KeywardCrypto
import KeywardExport
package import KeywardModel
import KeywardPolicy
import KeywardStore

/// Bringing in keys that were made elsewhere, in the clear or wrapped.
extension KeywardService {
  /// Takes material that was made elsewhere, as a new key or as the next version of one.
  ///
  /// The answer lists the new version only. The wrapping keys that were fetched for the name end with
  /// it, in the same transaction.
  package func importKey(
    _ caller: Caller,
    name: KeyName,
    _ request: ImportRequest,
    material bytes: SecretBox
  ) async throws(ServiceError) -> KeyInfo {
    let new: (KeyName, KeyType, KeyAttributes)? = try {
      () throws(ServiceError) in try request.newKey?.parsed()
    }()
    // The name that policy is asked about has to be the name that is made.
    if let new, new.0 != name {
      throw ServiceError(.invalidRequest, "The new key's name is not the one that is imported to.")
    }
    let read = await prepared(
      caller,
      .keyImport,
      .key(name),
      reaching: request.wrapping?.reached
    ) { () throws(ServiceError) in
      // Before a blob is opened: one that opens and is then not taken would tell that, and not count.
      let state = try self.unsealed()
      guard let new else {
        let key = try self.find(name, in: state)
        try self.checkTakesVersions(key)
        return try self.arrived(bytes, request, name, key.type)
      }
      try self.checkFree(name, state)
      return try self.arrived(bytes, request, name, new.1)
    }
    // Not after the answer: who hears of it may try again at once.
    defer { if case .success(let arrival) = read { arrival.opener?.end() } }
    return try await awaiting { reply in
      self.change(
        caller,
        .keyImport,
        .key(name),
        reaching: request.wrapping?.reached,
        reply: reply
      ) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let arrival = try read.get()
        let ended = state.importKeys.keys(for: name)
        if let opener = arrival.opener {
          record.details = opener.details(of: bytes.bytes.revealed())
          try self.check(opener, name, state, &record)
        }
        let material: KeyMaterial
        switch arrival.material {
        case .success(let good): material = good
        case .failure(let refusal):
          guard case .oneTime(let key, _) = arrival.opener?.source else { throw refusal }
          return try self.counting(refusal, key, transaction, state)
        }
        let details = record.details
        let change: Change<KeyInfo>
        if let (name, type, attributes) = new {
          change = try self.insertKey(
            name,
            type,
            attributes,
            material,
            .imported,
            state,
            transaction,
            &record
          )
        } else {
          let key = try self.find(name, in: state)
          try self.checkType(of: key, is: arrival.type)
          change = try self.addVersion(to: key, material, .imported, state, transaction, &record)
          record.details += details
        }
        return try self.ending(ended, transaction, state, after: change)
      }
    }
  }

  /// The material of a body, opened and checked; on the workshop's thread.
  private func arrived(
    _ bytes: SecretBox,
    _ request: ImportRequest,
    _ name: KeyName,
    _ type: KeyType
  ) throws(ServiceError) -> IncomingMaterial {
    guard let wrapping = request.wrapping else {
      let material = try KeyMaterial.imported(bytes, format: request.format, type: type)
      return IncomingMaterial(type: type, material: .success(material), opener: nil)
    }
    try KeyMaterial.checkForm(request.format, of: type)
    let state = try unsealed()
    let opener = try opener(wrapping, name, state)
    let blob = bytes.bytes.revealed()
    do throws(ServiceError) {
      let clear = SecretBox(try opener.open(blob, state))
      let material = try self.material(within: clear, request.format, type)
      return IncomingMaterial(type: type, material: .success(material), opener: opener)
    } catch {
      // What did not fail for the blob's sake says so, and does not count.
      guard error == .blobUnopened else { throw error }
      return IncomingMaterial(type: type, material: .failure(error), opener: opener)
    }
  }

  /// The material that a blob opened to; no word tells that it came so far.
  private func material(
    within clear: SecretBox,
    _ format: ImportRequest.Format,
    _ type: KeyType
  ) throws(ServiceError) -> KeyMaterial {
    do { return try KeyMaterial.imported(clear, format: format, type: type) } catch {
      throw error.code == .unavailable ? error : .blobUnopened
    }
  }

  /// What opens the blob, for a caller who may use it.
  private func opener(
    _ wrapping: ImportWrapping,
    _ name: KeyName,
    _ state: UnsealedState
  ) throws(ServiceError) -> BlobOpener {
    switch wrapping.key {
    case .oneTime(let id):
      guard wrapping.algorithm.isForRSA else {
        throw ServiceError(
          .invalidRequest,
          "A fetched wrapping key is an RSA key, which \(wrapping.algorithm.rawValue) is not for.",
          remedy: "It takes: "
            + ImportWrapping.Algorithm.ofOneTimeKeys.map(\.rawValue).joined(separator: ", ") + "."
        )
      }
      guard state.importKeys[id]?.name == name else { throw .noWrappingKey(for: name) }
      let turn = try state.importKeys.turn(id)
      // Once more: the turn before may have been its last.
      guard let key = state.importKeys[id], key.holds(at: now()) else {
        throw .noWrappingKey(for: name)
      }
      return BlobOpener(algorithm: wrapping.algorithm, source: .oneTime(key, turn))
    case .named(let name, let number):
      let key = try find(name, in: state)
      let version = try choose(key, number, for: .unwrap)
      guard wrapping.algorithm.isForRSA == key.type.isKeyPair else {
        throw ServiceError(
          .keyUsage,
          "\(wrapping.algorithm.rawValue) does not fit a key of type \(key.type.rawValue).",
          remedy: "It takes: "
            + ImportWrapping.Algorithm.allCases.filter { $0.isForRSA == key.type.isKeyPair }
            .map(\.rawValue).joined(separator: ", ") + "."
        )
      }
      return BlobOpener(algorithm: wrapping.algorithm, source: .named(key, version))
    }
  }

  /// Refuses an opener that is another by now than when the blob was opened.
  private func check(
    _ opener: BlobOpener,
    _ name: KeyName,
    _ state: UnsealedState,
    _ record: inout AuditRecord
  ) throws(ServiceError) {
    switch opener.source {
    case .oneTime(let key, _):
      guard state.importKeys[key.id] == key, key.holds(at: record.time) else {
        throw .noWrappingKey(for: name)
      }
    case .named(let key, let version):
      let now = try find(key.name, in: state)
      guard now.id == key.id, try choose(now, version.number, for: .unwrap) == version else {
        throw ServiceError(
          .conflict,
          "The wrapping key '\(key.name)' was changed meanwhile.",
          remedy: "Try again."
        )
      }
      for index in record.reached.indices { record.reached[index].used(key, version) }
    }
  }

  /// Counts a blob that did not open; after too many of them the wrapping key is destroyed.
  private func counting(
    _ refusal: ServiceError,
    _ old: ImportKeyRecord,
    _ transaction: any StoreTransaction,
    _ state: UnsealedState
  ) throws(ServiceError) -> Change<KeyInfo> {
    var key = old
    key.fail()
    let counted = key
    guard counted.failures < ImportKeyRecord.mostFailures else {
      return try ending([old], transaction, state, after: Change(outcome: .failure(refusal)) {})
    }
    try store { try transaction.updateRecord(counted.stored, from: old.stored) }
    return Change(outcome: .failure(refusal)) { state.importKeys.put(counted) }
  }
}

/// Material that came in, and how it came.
private struct IncomingMaterial: Sendable {
  let type: KeyType
  /// Or why the blob was of no use, which counts.
  let material: Result<KeyMaterial, ServiceError>
  /// What opened the blob; nil for material in the clear.
  let opener: BlobOpener?
}

extension ServiceError {
  /// The one error of every blob that does not open to a key of its type.
  ///
  /// Code, words, status and entry are the same whatever failed, and OAEP that fails is followed by KWP
  /// under a random key. The time is not the same for a blob that opens to bytes which are then no key of
  /// the type: who can make one knows its content.
  static let blobUnopened = ServiceError(
    .decryptionFailed,
    "The blob does not open to a key of this type.",
    remedy: "Check the wrapping key, the algorithm with its hash (the same for OAEP and MGF1), the "
      + "format and the type. A fetched wrapping key ends after "
      + "\(ImportKeyRecord.mostFailures) such attempts.",
    reason: "blob_unopened"
  )

  /// Whether it was never there, of another name, used or over is not told.
  static func noWrappingKey(for name: KeyName) -> ServiceError {
    ServiceError(
      .notFound,
      "There is no such wrapping key for '\(name)', or no more.",
      remedy: "Fetch a new one with: keyward key wrapping-key fetch \(name)."
    )
  }
}
