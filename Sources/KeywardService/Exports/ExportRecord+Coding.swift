import KeywardAuthn
import KeywardExport
import KeywardModel
package import KeywardStore

/// The form that the store keeps.
extension ExportRecord {
  private static let label = "keyward/export/1"

  package var stored: StoredRecord {
    StoredRecord(kind: .export, id: id.description, body: encoded)
  }

  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(id.description)
    writer.add(key.bytes)
    writer.add(keyName.description)
    writer.add(UInt64(clamping: version))
    writer.add(destination)
    writer.add(destinationDigest)
    writer.add(provider)
    writer.add(mode.rawValue)
    writer.add(provenance?.rawValue ?? "")
    plan.write(to: &writer)
    writer.add(fingerprint)
    writer.add(wrappingKeyBits.map { Int64($0) })
    writer.add(principal: requester)
    writer.add(createdAt.milliseconds)
    writer.add(parametersValidUntil?.milliseconds)
    writer.add(target)
    writer.add(renews?.description ?? "")
    writer.add(sealedParameters)
    writer.add(state.rawValue)
    writer.add(sentAt?.milliseconds)
    writer.add(blobSHA256)
    writer.add(approval?.description ?? "")
    writer.add(UInt64(approvers.count))
    for approver in approvers { writer.add(principal: approver) }
    writer.add(UInt64(copy == nil ? 0 : 1))
    if let copy {
      writer.add(copy.providerKeyID)
      writer.add(copy.materialID ?? "")
      writer.add(copy.state)
      writer.add(copy.validUntil?.milliseconds)
      writer.add(copy.checkedAt.milliseconds)
    }
    writer.add(UInt64(proof == nil ? 0 : 1))
    if let proof {
      writer.add(proof.outcome.rawValue)
      writer.add(proof.detail)
      writer.add(proof.at.milliseconds)
    }
    writer.add(UInt64(failure == nil ? 0 : 1))
    if let failure {
      writer.add(failure.reason)
      writer.add(failure.words)
    }
    writer.add(supersededBy?.description ?? "")
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote; nil for anything else.
  package init?(decoding bytes: [UInt8]) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      guard let id = ExportID(try reader.readText()), let key = KeyID(try reader.readBytes()),
        let keyName = try? KeyName(try reader.readText()),
        let version = Int(exactly: try reader.readNumber())
      else { return nil }
      let destination = try reader.readText()
      let destinationDigest = try reader.readBytes()
      let provider = try reader.readText()
      guard let mode = Mode(rawValue: try reader.readText()) else { return nil }
      let provenanceText = try reader.readText()
      let provenance = Provenance(rawValue: provenanceText)
      guard provenance != nil || provenanceText.isEmpty,
        let plan = try ExportPlan(reading: &reader)
      else { return nil }
      let fingerprint = try reader.readBytes()
      let bits = try reader.readOptionalNumber()
      let requester = try reader.readPrincipal()
      let createdAt = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
      let parametersValidUntil = try reader.readOptionalTime()
      let target = try reader.readText()
      let renews = try reader.readText()
      let sealed = try reader.readBytes()
      self.init(
        id: id,
        key: key,
        keyName: keyName,
        version: version,
        destination: destination,
        destinationDigest: destinationDigest,
        provider: provider,
        mode: mode,
        provenance: provenance,
        plan: plan,
        fingerprint: fingerprint,
        wrappingKeyBits: bits.flatMap { Int(exactly: $0) },
        requester: requester,
        createdAt: createdAt,
        parametersValidUntil: parametersValidUntil,
        target: target,
        renews: ExportID(renews),
        sealedParameters: sealed
      )
      guard let state = State(rawValue: try reader.readText()) else { return nil }
      let sentAt = try reader.readOptionalTime()
      let blob = try reader.readBytes()
      let approval = ApprovalID(try reader.readText())
      let count = try reader.readNumber()
      guard count <= 64 else { return nil }
      var approvers: [Principal] = []
      for _ in 0..<count { approvers.append(try reader.readPrincipal()) }
      var copy: ExportCopy?
      if try reader.readNumber() == 1 {
        let providerKeyID = try reader.readText()
        let material = try reader.readText()
        copy = ExportCopy(
          providerKeyID: providerKeyID,
          materialID: material.isEmpty ? nil : material,
          state: try reader.readText(),
          validUntil: try reader.readOptionalTime(),
          checkedAt: Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
        )
      }
      var proof: ExportProof?
      if try reader.readNumber() == 1 {
        guard let outcome = ExportProof.Outcome(rawValue: try reader.readText()) else {
          return nil
        }
        proof = ExportProof(
          outcome,
          detail: try reader.readText(),
          at: Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
        )
      }
      var failure: ExportFailure?
      if try reader.readNumber() == 1 {
        failure = ExportFailure(reason: try reader.readText(), words: try reader.readText())
      }
      let superseded = ExportID(try reader.readText())
      try reader.finish()
      restore(state, sentAt, blob, approval, approvers, copy, proof, failure, superseded)
    } catch {
      return nil
    }
  }
}

extension ExportPlan {
  fileprivate func write(to writer: inout RecordWriter) {
    writer.add(keySpec)
    writer.add(usage ?? "")
    writer.add(algorithm)
    writer.add(targetName ?? "")
    writer.add(targetKey ?? "")
    writer.add(validUntil?.milliseconds)
    writer.add(importType?.rawValue ?? "")
    writer.add(materialID ?? "")
    writer.add(wrappingKeyID ?? "")
    writer.add(UInt64(isMultiRegion ? 1 : 0))
    writer.add(description)
  }

  fileprivate init?(reading reader: inout RecordReader) throws(RecordReader.Failure) {
    func optional(_ text: String) -> String? { text.isEmpty ? nil : text }
    let keySpec = try reader.readText()
    let usage = try reader.readText()
    self.init(keySpec: keySpec, algorithm: try reader.readText())
    self.usage = optional(usage)
    targetName = optional(try reader.readText())
    targetKey = optional(try reader.readText())
    validUntil = try reader.readOptionalTime()
    importType = CloudPlan.ImportType(rawValue: try reader.readText())
    materialID = optional(try reader.readText())
    wrappingKeyID = optional(try reader.readText())
    isMultiRegion = try reader.readNumber() == 1
    description = try reader.readText()
  }
}

extension RecordReader {
  fileprivate mutating func readOptionalNumber() throws(Failure) -> Int64? {
    let field = try readBytes(limit: 8)
    guard !field.isEmpty else { return nil }
    guard field.count == 8 else { throw .wrongLength(offset: 0) }
    return Int64(bitPattern: field.reduce(0) { $0 << 8 | UInt64($1) })
  }

  fileprivate mutating func readOptionalTime() throws(Failure) -> Timestamp? {
    try readOptionalNumber().map { Timestamp(milliseconds: $0) }
  }
}
