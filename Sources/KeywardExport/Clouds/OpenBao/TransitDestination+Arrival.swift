import KeywardModel

/// What becomes of an import into a transit engine whose answer never came.
extension TransitDestination {
  /// The engine numbers its versions: those above the number that was the last one before are
  /// compared with the key.
  package func arrival(
    of sent: SentImport,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportArrival {
    let name = sent.parameters.providerKeyID
    guard Self.isName(name) else {
      throw CloudFailure(.unfit, "The key of the transit engine is not a name.")
    }
    guard let key = try await find(name, session) else {
      return sent.unseen("the engine has no key of that name", at: session.now())
    }
    guard let versions = key.object("keys"), let before = sent.parameters.before.flatMap(Int64.init)
    else {
      return .unknown(
        "which versions are new in the engine cannot be told",
        remedy: "Compare them by hand."
      )
    }
    let candidates = versions.names.compactMap { Int64($0) }.filter { $0 > before }.sorted()
      .map { ImportReceipt(providerKeyID: "\(name)/\($0)", state: .enabled) }
      .filter { !sent.others.contains($0.providerKeyID) }
    return try await ImportArrival.among(candidates, of: sent, at: session.now()) {
      receipt throws(CloudFailure) in
      try await prove(receipt, sent.plan, material, session)
    }
  }
}
