import KeywardModel

/// What becomes of an import to Google whose answer never came.
extension GoogleDestination {
  /// A version keeps its number and its import job, and no name of ours: those that are new since the
  /// parameters were fetched are compared with the key.
  package func arrival(
    of sent: SentImport,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportArrival {
    let key = sent.parameters.providerKeyID
    guard GoogleKeyService.isResource(key), let job = sent.parameters.wrappingKeyID else {
      throw CloudFailure(.unfit, "The parameters of Google do not name key and import job.")
    }
    let versions: [Version]?
    do throws(CloudFailure) {
      versions = try await self.versions(of: key, session)
    } catch  where error.code == .notFound {
      return sent.unseen("Google has no such key", at: session.now())
    }
    guard let versions, let before = sent.parameters.before.flatMap(Int64.init) else {
      return .unknown(
        "which versions are new at Google cannot be told",
        remedy: "Look for one of the import job \(job) by hand."
      )
    }
    let new = versions.filter {
      $0.number > before && $0.job == job && !sent.others.contains($0.name)
    }
    guard !new.contains(where: { $0.state == "PENDING_IMPORT" }) else {
      return .unknown("Google is at work on an import", remedy: "Ask again in a minute.")
    }
    // What failed to import is no key; another try makes another version.
    let candidates = new.filter { $0.state != "IMPORT_FAILED" }.map {
      ImportReceipt(providerKeyID: $0.name, state: GoogleKeyService.state($0.state))
    }
    return try await ImportArrival.among(candidates, of: sent, at: session.now()) {
      receipt throws(CloudFailure) in
      try await prove(receipt, sent.plan, material, session)
    }
  }

  /// One version of a key.
  struct Version {
    let name: String
    let number: Int64
    let job: String?
    let state: String
  }

  /// The versions of a key; nil if it has more than are listed at once.
  func versions(
    of key: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> [Version]? {
    let what = "list the versions of the key"
    let answer = try await api.call(
      .get,
      key + "/cryptoKeyVersions",
      query: "pageSize=1000",
      nil,
      what,
      .always,
      session
    )
    guard answer["nextPageToken"]?.text?.isEmpty != false else { return nil }
    var versions: [Version] = []
    for case .object(let version) in answer.array("cryptoKeyVersions") ?? [] {
      let start = key + "/cryptoKeyVersions/"
      guard let name = version["name"]?.text, name.hasPrefix(start),
        let number = Int64(name.dropFirst(start.count)), GoogleKeyService.isResource(name)
      else { throw ProviderWords.unintelligible(what, "a version has no number", changes: false) }
      versions.append(
        Version(
          name: name,
          number: number,
          job: version["importJob"]?.text,
          state: ProviderWords.printable(version["state"]?.text ?? "")
        )
      )
    }
    return versions
  }

  /// The number of a key's last version, in words for ``WrappingParameters/before``; nil if it cannot
  /// be told, which an export does not need unless its exchange breaks off.
  func lastVersion(
    of key: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> String? {
    do throws(CloudFailure) {
      return try await versions(of: key, session).map { String($0.map(\.number).max() ?? 0) }
    } catch  where error.code == .accessDenied {
      return nil
    }
  }
}
