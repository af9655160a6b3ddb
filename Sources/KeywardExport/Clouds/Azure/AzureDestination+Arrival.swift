import KeywardModel

/// What becomes of an import to Azure whose answer never came.
extension AzureDestination {
  /// The tag of a version that has the id of the export that brought it.
  static let markerTag = "keyward-export"

  private static let page = 25

  /// A version keeps the export's id as a tag: the newest is looked at, then the others.
  package func arrival(
    of sent: SentImport,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportArrival {
    guard let name = sent.plan.name, AzureVaultService.isName(name), let marker = sent.plan.marker
    else {
      return .unknown("the import bears no marker", remedy: "Compare the versions by hand.")
    }
    let newest: JSONObject
    do throws(CloudFailure) {
      newest = try await api.call(.get, "/keys/\(name)", nil, "find the key", .always, session)
    } catch  where error.code == .notFound {
      return sent.unseen("Azure has no key of that name", at: session.now())
    }
    if let found = receipt(newest.object("key")?["kid"]?.text, newest, name, marker) {
      return .arrived(found)
    }
    let what = "list the versions of the key"
    let answer = try await api.call(
      .get,
      "/keys/\(name)/versions",
      query: "maxresults=\(Self.page)",
      nil,
      what,
      .always,
      session
    )
    guard let versions = answer.array("value") else {
      throw ProviderWords.unintelligible(what, "it has no list", changes: false)
    }
    for case .object(let version) in versions {
      if let found = receipt(version["kid"]?.text, version, name, marker) { return .arrived(found) }
    }
    guard answer["nextLink"]?.text == nil else {
      return .unknown(
        "the key has more than \(Self.page) versions, and none of the first bears the export's id",
        remedy: "Look for the tag \(Self.markerTag) by hand."
      )
    }
    return sent.unseen("no version of the key bears the export's id", at: session.now())
  }

  private func receipt(
    _ kid: String?,
    _ bundle: JSONObject,
    _ name: String,
    _ marker: String
  ) -> ImportReceipt? {
    guard let kid, api.isVersioned(kid, of: name),
      bundle.object("tags")?[Self.markerTag]?.text == marker
    else { return nil }
    let attributes = bundle.object("attributes")
    return ImportReceipt(
      providerKeyID: kid,
      state: attributes?.flag("enabled") == false ? .disabled : .enabled,
      validUntil: (attributes?["exp"]?.integer).flatMap(AzureVaultService.time)
    )
  }
}
