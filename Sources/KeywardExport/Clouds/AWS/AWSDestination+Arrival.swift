import KeywardModel

/// What becomes of an import to AWS whose answer never came.
extension AWSDestination {
  /// A symmetric key keeps a description with each material, and the export's marker is in it; other
  /// keys have one material for ever, which is compared.
  package func arrival(
    of sent: SentImport,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportArrival {
    let keyID = sent.parameters.providerKeyID
    let key: JSONObject
    do throws(CloudFailure) {
      key = try await api.describe(keyID, session)
    } catch  where error.code == .notFound {
      return sent.unseen("AWS has no such key", at: session.now())
    }
    let words = ProviderWords.printable(key["KeyState"]?.text ?? "")
    if sent.plan.keySpec == "SYMMETRIC_DEFAULT" {
      return try await marked(sent, AWSKeyService.state(words), session)
    }
    let before = KeyContents(text: sent.parameters.before)
    let now = KeyContents(key)
    if now == .none {
      return sent.unseen("the key at AWS waits for material still", at: session.now())
    }
    guard AWSKeyService.state(words) == .enabled else {
      return .unknown("the key at AWS is \(words)", remedy: "Enable it there, then ask again.")
    }
    let receipt = ImportReceipt(
      providerKeyID: keyID,
      state: .enabled,
      validUntil: AWSKeyService.time(key["ValidTo"])
    )
    switch try await prove(receipt, sent.plan, material, session) {
    case .contradicted: return .absent("the key at AWS has other material, and keeps it for ever")
    case .notProvable(let why):
      return .unknown(
        "the key at AWS has material, and whether it is this cannot be told: \(why)",
        remedy: "Compare it by hand."
      )
    case .proved: break
    }
    // It has this material; a renewal shows by the end that it brought.
    if before == KeyContents.none { return .arrived(receipt) }
    let wanted = KeyContents.until(sent.plan.validUntil.map { $0.milliseconds / 1000 })
    if before == nil || before == wanted {
      return .unknown(
        "the key at AWS had the same material with the same end before",
        remedy: "The copy is as it was asked for. Renew it again, or say that this renewal is gone "
          + "with: keyward export retire."
      )
    }
    return now == wanted
      ? .arrived(receipt)
      : sent.unseen("the material at AWS ends when it did before", at: session.now())
  }

  private func marked(
    _ sent: SentImport,
    _ state: CloudKeyStatus.State,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportArrival {
    let keyID = sent.parameters.providerKeyID
    guard let marker = sent.plan.marker else {
      return .unknown("the import bears no marker", remedy: "Compare the materials by hand.")
    }
    let found = try await materials(of: keyID, session).first { material in
      material.description == marker || material.description.hasPrefix(marker + " ")
    }
    guard let found else {
      return sent.unseen("no material of the key at AWS bears the export's id", at: session.now())
    }
    let isPending = found.state.hasPrefix("PENDING")
    return .arrived(
      ImportReceipt(
        providerKeyID: keyID,
        materialID: found.id,
        state: !found.isImported ? .pendingImport : isPending ? .pendingRotation : state,
        validUntil: found.validUntil
      )
    )
  }
}

/// What a key of AWS held at a moment, as far as DescribeKey tells.
enum KeyContents: Equatable {
  /// It waits for material.
  case none
  /// Material until so many seconds of Unix time; nil for no end.
  case until(Int64?)

  init(_ key: JSONObject) {
    self =
      key["KeyState"]?.text == "PendingImport"
      ? .none : .until(AWSKeyService.time(key["ValidTo"]).map { $0.milliseconds / 1000 })
  }

  /// Reads ``text``; nil for anything else.
  init?(text: String?) {
    switch text {
    case "none": self = .none
    case "until never": self = .until(nil)
    default:
      guard let text, text.hasPrefix("until "), let seconds = Int64(text.dropFirst(6)) else {
        return nil
      }
      self = .until(seconds)
    }
  }

  /// The form in which ``WrappingParameters/before`` has it.
  var text: String {
    switch self {
    case .none: "none"
    case .until(nil): "until never"
    case .until(let seconds?): "until \(seconds)"
    }
  }
}
