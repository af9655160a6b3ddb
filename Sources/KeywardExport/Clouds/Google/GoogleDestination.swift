import KeywardCrypto
import KeywardModel

/// A key ring of Google Cloud KMS.
///
/// Source: Cloud KMS REST reference v1, "Importing a key". One import job takes any number of keys for
/// three days: the job of a day, a method and a protection level is found by its name and used again.
package struct GoogleDestination: CloudDestination {
  package var provider: ExportProvider { .google }
  let api: GoogleKeyService
  /// `projects/P/locations/L/keyRings/R`.
  let ring: String
  /// `SOFTWARE` or `HSM`; of jobs and keys alike, since Google demands the same of both.
  let protectionLevel: String

  /// How often an answer is looked at that takes its time, and the pause between, in milliseconds.
  private static let looks = 60
  private static let pause = 1000

  package init(
    ring: String,
    protectionLevel: String,
    account: GoogleServiceAccount,
    endpoint: String = "https://cloudkms.googleapis.com"
  ) {
    self.ring = ring
    self.protectionLevel = protectionLevel
    api = GoogleKeyService(endpoint: endpoint, account: account)
  }

  package func prepare(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> WrappingParameters {
    guard ring.split(separator: "/").count == 6, GoogleKeyService.isResource(ring) else {
      throw CloudFailure(.unfit, "The ring is not projects/P/locations/L/keyRings/R.")
    }
    guard let name = plan.name, GoogleKeyService.isName(name) else {
      throw CloudFailure(
        .unfit,
        "A key of Google needs a name of 1 to 63 letters, digits, '_' and '-'."
      )
    }
    let method = GoogleJobMethod.all.first {
      $0.algorithm == plan.wrapping && $0.bits == plan.wrappingKeyBits
    }
    guard let method else {
      throw CloudFailure(
        .unfit,
        "Google has no import method for \(plan.wrapping.rawValue) and RSA of "
          + "\(plan.wrappingKeyBits) bits."
      )
    }
    let (key, isNew) = try await findKey(name, plan, session)
    let before = isNew ? "0" : try await lastVersion(of: key, session)
    let job = try await findJob(method, session)
    return WrappingParameters(
      provider: .google,
      providerKeyID: key,
      publicKey: job.publicKey,
      algorithm: plan.wrapping,
      validUntil: job.validUntil,
      wrappingKeyID: job.name,
      before: before
    )
  }

  /// The key, and whether it was made just now; one that was there before must be for the same.
  ///
  /// A key that no import is known into is made without looking for it first.
  private func findKey(
    _ name: String,
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> (String, isNew: Bool) {
    let path = "\(ring)/cryptoKeys/\(name)"
    let purpose = plan.usage ?? GoogleKeyService.usualPurpose(plan.keySpec)
    var isNew = plan.providerKeyID == nil
    let key: JSONObject
    do throws(CloudFailure) {
      key =
        isNew
        ? try await makeKey(name, purpose, plan.keySpec, session)
        : try await lookUp(path, session)
    } catch  where isNew && (error.code == .alreadyThere || error.code == .accessDenied) {
      // Who may import need not be allowed to make keys.
      let refusal = error
      isNew = false
      do throws(CloudFailure) {
        key = try await lookUp(path, session)
      } catch  where error.code == .notFound {
        throw refusal
      }
    } catch  where !isNew && error.code == .notFound {
      isNew = true
      key = try await makeKey(name, purpose, plan.keySpec, session)
    }
    guard key["purpose"]?.text == purpose else {
      throw CloudFailure(.unfit, "The key of Google is not for \(purpose).")
    }
    guard key.object("versionTemplate")?["protectionLevel"]?.text == protectionLevel else {
      throw CloudFailure(
        .unfit,
        "The key of Google has another protection level than \(protectionLevel)."
      )
    }
    return (path, isNew)
  }

  private func lookUp(
    _ path: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    try await api.call(.get, path, nil, "find the key", .always, session)
  }

  private func makeKey(
    _ name: String,
    _ purpose: String,
    _ algorithm: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    try await api.call(
      .post,
      "\(ring)/cryptoKeys",
      query: "cryptoKeyId=\(name)&skipInitialVersionCreation=true",
      .members([
        ("purpose", .string(purpose)), ("importOnly", .bool(true)),
        (
          "versionTemplate",
          .members([
            ("algorithm", .string(algorithm)), ("protectionLevel", .string(protectionLevel)),
          ])
        ),
      ]),
      "make the key",
      .ifNotActedOn,
      session
    )
  }

  /// A method as part of a name: Google takes 63 characters.
  private static func jobName(_ method: GoogleJobMethod) -> String {
    let hash = method.algorithm == .hybridSHA1 ? "sha1" : "sha256"
    return "\(method.bits)-\(hash)" + (method.algorithm.envelope == .hybrid ? "-aes" : "")
  }

  /// The import job of today, made if it is not there, once it is active.
  private func findJob(
    _ method: GoogleJobMethod,
    _ session: CloudSession
  ) async throws(CloudFailure) -> GoogleImportJob {
    let now = session.now()
    let day = now.rfc3339.prefix(10).filter { $0 != "-" }
    let name = "keyward-\(Self.jobName(method))-\(protectionLevel.lowercased())-\(day)"
    let path = "\(ring)/importJobs/\(name)"
    if let job = api.account.jobs.job(place(path, session), at: now) { return job }
    let what = "give the import job"
    let answer = try await activeJob(name, path, method, what, session)
    guard let pem = answer.object("publicKey")?["pem"]?.text,
      let end = answer["expireTime"].flatMap(ProviderTime.parse)
    else { throw ProviderWords.unintelligible(what, "it has no key or no end", changes: false) }
    let job = GoogleImportJob(
      name: path,
      publicKey: try WrappingKeyCheck.der(pem: pem, bits: method.bits),
      validUntil: end
    )
    api.account.jobs.keep(job, place(path, session), at: now)
    return job
  }

  private func place(_ job: String, _ session: CloudSession) -> GoogleImportJobs.Place {
    GoogleImportJobs.Place(endpoint: api.endpoint, authorities: session.authorities, name: job)
  }

  private func activeJob(
    _ name: String,
    _ path: String,
    _ method: GoogleJobMethod,
    _ what: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    var job: JSONObject
    do throws(CloudFailure) {
      job = try await api.call(.get, path, nil, what, .always, session)
    } catch  where error.code == .notFound {
      do throws(CloudFailure) {
        job = try await makeJob(name, method, session)
      } catch  where error.code == .alreadyThere {
        // Another made it meanwhile.
        job = try await api.call(.get, path, nil, what, .always, session)
      }
    }
    for _ in 0..<Self.looks {
      guard job["importMethod"]?.text == method.name,
        job["protectionLevel"]?.text == protectionLevel, job["name"]?.text == path
      else { throw CloudFailure(.wrappingKeyUnfit, "The import job is not the one asked for.") }
      switch job["state"]?.text {
      case "ACTIVE": return job
      case "PENDING_GENERATION": break
      case "EXPIRED":
        throw CloudFailure(.tokenExpired, "The import job \(name) has expired; they last 3 days.")
      default:
        throw ProviderWords.unintelligible(what, "its state is unknown", changes: false)
      }
      await session.pause(Self.pause)
      job = try await api.call(.get, path, nil, what, .always, session)
    }
    throw CloudFailure(
      .timedOut,
      "The import job \(name) is still not active.",
      remedy: "Run it again in a minute; the job is used again."
    )
  }

  private func makeJob(
    _ name: String,
    _ method: GoogleJobMethod,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    try await api.call(
      .post,
      "\(ring)/importJobs",
      query: "importJobId=\(name)",
      .members([
        ("importMethod", .string(method.name)), ("protectionLevel", .string(protectionLevel)),
      ]),
      "make the import job",
      .ifNotActedOn,
      session
    )
  }

  package func deliver(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt {
    guard let job = parameters.wrappingKeyID else {
      throw CloudFailure(.unfit, "The parameters of Google do not name their import job.")
    }
    do throws(CloudFailure) {
      return try await imported(blob, plan, parameters, job, session)
    } catch {
      // The job may be why: the next export asks for it anew.
      api.account.jobs.forget(place(job, session))
      throw error
    }
  }

  private func imported(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ job: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt {
    let what = "import the key"
    let answer = try await api.call(
      .post,
      "\(parameters.providerKeyID)/cryptoKeyVersions:import",
      ImportBody.google(blob, algorithm: plan.keySpec, job: job),
      what,
      .never,
      session
    )
    guard let version = answer["name"]?.text,
      version.hasPrefix(parameters.providerKeyID + "/cryptoKeyVersions/"),
      GoogleKeyService.isResource(version)
    else { throw ProviderWords.unintelligible(what, "it names no version", changes: true) }
    return try await settled(version, answer, session)
  }

  /// Waits until Google has unwrapped the material, or could not.
  private func settled(
    _ version: String,
    _ first: JSONObject,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt {
    var answer = first
    for look in 0..<Self.looks {
      switch answer["state"]?.text {
      case "ENABLED": return ImportReceipt(providerKeyID: version, state: .enabled)
      case "IMPORT_FAILED":
        let reason = ProviderWords.printable(answer["importFailureReason"]?.text ?? "no reason")
        throw CloudFailure(.importFailed, "Google could not import the key: \(reason).")
      case "PENDING_IMPORT": break
      default:
        throw ProviderWords.unintelligible("import the key", "its state is unknown", changes: true)
      }
      await session.pause(look == 0 ? 100 : Self.pause)
      do throws(CloudFailure) {
        answer = try await api.call(.get, version, nil, "follow the import", .always, session)
      } catch {
        // The import is on its way whatever becomes of these looks at it.
        return ImportReceipt(providerKeyID: version, state: .pendingImport)
      }
    }
    return ImportReceipt(providerKeyID: version, state: .pendingImport)
  }

  package func status(
    of receipt: ImportReceipt,
    _ session: CloudSession
  ) async throws(CloudFailure) -> CloudKeyStatus {
    guard GoogleKeyService.isResource(receipt.providerKeyID) else {
      throw CloudFailure(.unfit, "The version of Google is not a resource name.")
    }
    let answer: JSONObject
    do throws(CloudFailure) {
      answer = try await api.call(
        .get,
        receipt.providerKeyID,
        nil,
        "describe the version",
        .always,
        session
      )
    } catch  where error.code == .notFound {
      return CloudKeyStatus(.gone, detail: "NOT_FOUND")
    }
    let words = ProviderWords.printable(answer["state"]?.text ?? "")
    let state = GoogleKeyService.state(words)
    if state == .failed, let job = answer["importJob"]?.text {
      api.account.jobs.forget(place(job, session))
    }
    return CloudKeyStatus(state, detail: words)
  }

  package func reasonNotProvable(_ receipt: ImportReceipt, _ plan: CloudPlan) -> String? {
    guard receipt.state == .enabled else { return "the version is at Google and not enabled yet" }
    return plan.keySpec == "GOOGLE_SYMMETRIC_ENCRYPTION"
      ? "ciphertexts of this algorithm open nowhere but at Google" : nil
  }

  package func prove(
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    if let reason = reasonNotProvable(receipt, plan) { return .notProvable(reason) }
    return try await GoogleProof(api: api, version: receipt.providerKeyID, algorithm: plan.keySpec)
      .run(material, session)
  }
}
