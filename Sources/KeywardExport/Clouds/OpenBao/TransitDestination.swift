package import KeywardCrypto
import KeywardModel

/// The transit engine of OpenBao or HashiCorp Vault.
///
/// Source: "Import key" of the transit HTTP API. The blob is E2 with a part of 512 bytes first, since
/// the wrapping key always has 4096 bits; a key that is there gets a new version.
package struct TransitDestination: CloudDestination {
  package let provider: ExportProvider
  /// `https://HOST[:PORT]`, without a path.
  let endpoint: String
  let mount: String
  let namespace: String?
  let token: SecretBox

  package init(
    _ provider: ExportProvider,
    endpoint: String,
    mount: String = "transit",
    namespace: String? = nil,
    token: SecretBox
  ) {
    self.provider = provider
    self.endpoint = endpoint
    self.mount = mount
    self.namespace = namespace
    self.token = token
  }

  package func prepare(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> WrappingParameters {
    guard let name = plan.name, Self.isName(name) else {
      throw CloudFailure(.unfit, "A transit key needs a name of letters, digits, '.', '_' and '-'.")
    }
    guard plan.wrapping.envelope == .hybrid else {
      throw CloudFailure(.unfit, "The transit engine opens RSA_AES_KEY_WRAP alone.")
    }
    let found = try await find(name, session)
    if let key = found {
      guard key["type"]?.text == plan.keySpec else {
        let found = ProviderWords.printable(key["type"]?.text ?? "")
        throw CloudFailure(.unfit, "The transit key is \(found), not \(plan.keySpec).")
      }
      guard key.flag("imported_key") == true else {
        throw CloudFailure(
          .stateRefused,
          "The transit key was not imported, so it takes no material.",
          remedy: "Name another key, or delete this one."
        )
      }
    }
    let what = "give the wrapping key"
    let answer = try await call(.get, "wrapping_key", nil, what, .always, session)
    guard let pem = answer.object("data")?["public_key"]?.text else {
      throw ProviderWords.unintelligible(what, "it has no key", changes: false)
    }
    return WrappingParameters(
      provider: provider,
      providerKeyID: name,
      publicKey: try WrappingKeyCheck.der(pem: pem, bits: 4096),
      algorithm: plan.wrapping,
      before: found == nil ? "0" : (found?["latest_version"]?.integer).map(String.init)
    )
  }

  package func deliver(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt {
    let name = parameters.providerKeyID
    let before = try await find(name, session)
    let isNew = before == nil
    _ = try await call(
      .post,
      "keys/\(name)/\(isNew ? "import" : "import_version")",
      ImportBody.transit(blob, plan.wrapping, type: plan.keySpec, isNew: isNew),
      "import the key",
      .never,
      session
    )
    let version = try await newVersion(name, after: before, session)
    return ImportReceipt(providerKeyID: "\(name)/\(version)", state: .enabled)
  }

  /// The number of the version that an import made, which the engine does not say: the one that is new.
  ///
  /// Two that are new, or a look that fails, leave it to be found out by comparing them.
  private func newVersion(
    _ name: String,
    after before: JSONObject?,
    _ session: CloudSession
  ) async throws(CloudFailure) -> Int64 {
    let after: JSONObject?
    do throws(CloudFailure) {
      after = try await find(name, session)
    } catch {
      throw CloudFailure(error.code, error.words, remedy: error.remedy, mayHaveActed: true)
    }
    let last = before == nil ? 0 : before?["latest_version"]?.integer
    guard let last, let latest = after?["latest_version"]?.integer,
      latest.subtractingReportingOverflow(last) == (1, false)
    else {
      throw CloudFailure(
        .unintelligible,
        "The engine took the key, and which of its versions it became is not plain.",
        mayHaveActed: true
      )
    }
    return latest
  }

  package func status(
    of receipt: ImportReceipt,
    _ session: CloudSession
  ) async throws(CloudFailure) -> CloudKeyStatus {
    let (name, version) = try Self.parts(receipt.providerKeyID)
    guard let key = try await find(name, session) else {
      return CloudKeyStatus(.gone, detail: "not there")
    }
    let isThere = key.object("keys")?[version] != nil
    return CloudKeyStatus(
      isThere ? .enabled : .gone,
      detail: isThere ? "version \(version)" : "version \(version) is not there"
    )
  }

  package func prove(
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    let (name, version) = try Self.parts(receipt.providerKeyID)
    let proof = TransitProof(destination: self, name: name, version: version, type: plan.keySpec)
    return try await proof.run(material, session)
  }

  /// The key's description; nil if there is none.
  func find(_ name: String, _ session: CloudSession) async throws(CloudFailure) -> JSONObject? {
    let what = "describe the key"
    do throws(CloudFailure) {
      let answer = try await call(.get, "keys/\(name)", nil, what, .always, session)
      guard let data = answer.object("data") else {
        throw ProviderWords.unintelligible(what, "it has no data", changes: false)
      }
      return data
    } catch  where error.code == .notFound {
      return nil
    }
  }

  func call(
    _ method: CloudRequest.Method,
    _ path: String,
    _ body: JSONText?,
    _ what: String,
    _ repetition: CloudRequest.Repetition,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    guard GoogleKeyService.isResource(mount) else {
      throw CloudFailure(.unfit, "The mount of the transit engine is not a plain path.")
    }
    let changes = repetition != .always
    var headers = [(name: "Accept", value: "application/json"), ("X-Vault-Request", "true")]
    if let namespace { headers.append(("X-Vault-Namespace", namespace)) }
    let request = CloudRequest(
      method,
      "\(endpoint)/v1/\(mount)/\(path)",
      headers: headers,
      secretHeader: ("X-Vault-Token", token),
      body: body.map { .bytes($0.bytes) } ?? .none,
      contentType: body == nil ? nil : "application/json",
      repetition: repetition
    )
    let response: CloudResponse
    do throws(CloudTransportError) {
      response = try await session.transport.send(request)
    } catch {
      throw CloudFailure(error, what, changes: changes)
    }
    if response.status == 204 {
      return try ProviderWords.object(Array("{}".utf8), what, changes: false)
    }
    guard response.status == 200 else {
      let errors = (try? StrictJSON.object(response.body))?.array("errors")?.compactMap(\.text)
      let words = errors?.joined(separator: "; ") ?? ""
      if response.status == 404 {
        // A key that is missing has no words; a mount that is missing has.
        throw errors?.isEmpty == true
          ? CloudFailure(.notFound, "The engine does not know the key to \(what).")
          : CloudFailure(
            .refused,
            "There is no transit engine where it was asked to \(what).",
            remedy: "Check endpoint, mount and namespace of the destination."
          )
      }
      // What cannot be unwrapped comes as an internal error with words.
      if response.status == 500, repetition == .never, words.contains("unwrap") {
        let said = ProviderWords.printable(words)
        throw CloudFailure(.blobRefused, "The engine refused to \(what): \(said).")
      }
      throw ProviderWords.failure(response.status, words, what, changes: changes)
    }
    return try ProviderWords.object(response.body, what, changes: changes)
  }

  private static func parts(_ id: String) throws(CloudFailure) -> (String, String) {
    let parts = id.split(separator: "/").map(String.init)
    guard parts.count == 2, isName(parts[0]), let version = Int(parts[1]), version > 0 else {
      throw CloudFailure(.unfit, "The key of the transit engine is not NAME/VERSION.")
    }
    return (parts[0], parts[1])
  }

  static func isName(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { CanonicalURI.isUnreserved($0) && $0 != 126 }
  }
}
