import KeywardCrypto
import KeywardModel

/// The entry points of the fuzzers: each takes any bytes and must return.
///
/// A trap here is a finding: a reader trapped on outside bytes, or a property that the `precondition`s
/// state does not hold.
package enum PipelineFuzzTargets {
  /// Reads a reference in both forms; what is taken has one spelling.
  package static func reference(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    for form in [SecretReference.Form.field, .fieldOrWhole] {
      do throws(SpellingError) {
        let reference = try SecretReference(text, form: form)
        precondition(reference.description == text)
      } catch {
        precondition((0...text.utf8.count).contains(error.position))
        _ = error.pointing(in: text)
      }
    }
    guard let template = try? TemplateText(text) else { return }
    precondition(template.parts.count == template.ranges.count)
    precondition(template.ranges.last.map { $0.upperBound == text.utf8.count } ?? text.isEmpty)
  }

  /// Reads a keyward.yaml.
  package static func project(_ bytes: [UInt8]) {
    guard let file = try? ProjectFile(parsing: bytes, named: "keyward.yaml") else { return }
    let all = file.environment + file.files + file.values
    precondition(all.allSatisfy { $0.reference.field != nil && $0.place.line > 0 })
  }

  /// Fills a manifest with a value that breaks careless writers, and reads the result again.
  package static func template(_ bytes: [UInt8]) {
    guard let rendering = try? Rendering(bytes, file: "m") else { return }
    _ = try? Staleness(bytes, file: "m")
    var output: [UInt8] = []
    guard let secrets = answer(rendering.wanted.map(\.reference)),
      let pieces = try? rendering.filled(with: secrets),
      (try? rendering.write(pieces) { output += $0 }) != nil
    else { return }
    if rendering.wanted.isEmpty {
      precondition(output == bytes || TemplateText.isMeant(byBytes: bytes))
    }
    compare(bytes, output)
    if let annotated = try? Rendering(bytes, file: "m", annotating: true),
      let pieces = try? annotated.filled(with: secrets)
    {
      var output: [UInt8] = []
      try? annotated.write(pieces) { output += $0 }
      guard isYAML(bytes) else { return }
      precondition(isWritten(output), "annotated to what is no YAML")
    }
  }

  private static let value = Array("'\"\\\n: #- {[é\u{85}\u{2028}%&*!|>\t \0$".utf8)

  /// Whether an output is YAML; of documents with aliases the reader refuses some that are, by words
  /// in their quotes.
  private static func isWritten(_ bytes: [UInt8]) -> Bool {
    do {
      _ = try YAMLManifest(bytes, file: "m", readingAll: true)
      return true
    } catch {
      return error.message.hasPrefix("A document with aliases")
    }
  }

  private static func isYAML(_ bytes: [UInt8]) -> Bool {
    (try? YAMLManifest(bytes, file: "m", readingAll: true)) != nil
  }

  private static func answer(_ references: [SecretReference]) -> FetchedSecrets? {
    let once = Array(Set(references.map(\.description)))
    let head = FetchSecretsHead(
      environment: "prod",
      environmentSource: .request,
      isProduction: false,
      isComplete: true,
      results: once.map { text in
        let version = (try? SecretReference(text))?.version ?? 7
        return SecretResolution(
          reference: text,
          outcome: .allowed,
          rule: "",
          version: version,
          values: [.init(field: "f", length: value.count)]
        )
      }
    )
    guard let box = try? SecretBox(SecretBytes.fixture(value)) else { return nil }
    return try? FetchedSecrets(head: head, values: once.map { _ in box })
  }

  /// What the output says is what the input says with the values in it.
  private static func compare(_ source: [UInt8], _ output: [UInt8]) {
    guard JSONManifest.read(source, file: "m") == nil,
      let before = try? YAMLManifest(source, file: "m", readingAll: true).documents,
      let walk = try? ManifestWalk(before, file: "m")
    else { return }
    guard let after = try? YAMLManifest(output, file: "m", readingAll: true).documents else {
      precondition(isWritten(output), "rendered to what is no YAML")
      return
    }
    let slots = Dictionary(
      walk.slots.map { (ObjectIdentifier($0.node), $0) },
      uniquingKeysWith: { first, _ in first }
    )
    precondition(before.count == after.count)
    var left = 10_000
    for (old, new) in zip(before, after) { compare(old, new, slots, &left) }
  }

  private static func compare(
    _ old: ManifestNode,
    _ new: ManifestNode,
    _ slots: [ObjectIdentifier: ManifestSlot],
    _ left: inout Int
  ) {
    // Aliases may say the same again and again.
    left -= 1
    guard left > 0 else { return }
    switch (old.content, new.content) {
    case (.scalar(let before, _), .scalar(let after, _)):
      let expected = slots[ObjectIdentifier(old)].map(filled) ?? before
      precondition(expected.utf8.elementsEqual(after.utf8), "a scalar says something else")
    case (.sequence(let before), .sequence(let after)):
      precondition(before.count == after.count)
      for (old, new) in zip(before, after) { compare(old, new, slots, &left) }
    case (.mapping(let before), .mapping(let after)):
      precondition(before.count == after.count)
      for (old, new) in zip(before, after) {
        compare(old.key, new.key, slots, &left)
        compare(old.value, new.value, slots, &left)
      }
    default: preconditionFailure("a node is of another kind")
    }
  }

  private static func filled(_ slot: ManifestSlot) -> String {
    var bytes: [UInt8] = []
    for part in slot.template.parts {
      switch part {
      case .text(let text): bytes += text.utf8
      case .value(_, nil): bytes += value
      case .value(_, .base64): bytes += Base64.encode(value).utf8
      case .value(_, let filter):
        var text = try? SecretText()
        try? value.withUnsafeBytes { value in
          if filter == .json {
            try text?.json(value)
          } else {
            try text?.percent(value)
          }
        }
        bytes += text?.copied ?? []
      }
    }
    return slot.purpose == .text ? String(decoding: bytes, as: UTF8.self) : Base64.encode(bytes)
  }

  /// Reads a bundle, and a file of age with an identity that it is not for.
  package static func bundle(_ bytes: [UInt8]) {
    if let bundle = try? Bundle(parsing: bytes, named: "b") {
      precondition(bundle.created < bundle.expires && !bundle.recipients.isEmpty)
      precondition(
        (try? bundle.verify(trusting: [], now: Timestamp(milliseconds: 0))) == nil
      )
    }
    if let identity {
      precondition((try? AgeFile.decrypt(bytes, with: [identity])) == nil)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    if let recipient = BundleRecipient(text) { precondition(recipient.description == text) }
    _ = BundleJournal.state(of: bytes)
  }

  private static let identity = try? AgeIdentity.generate()
}

extension SecretText {
  fileprivate mutating func json(_ value: UnsafeRawBufferPointer) throws(CryptoError) {
    try ValueEncoding.json(value, into: &self)
  }

  fileprivate mutating func percent(_ value: UnsafeRawBufferPointer) throws(CryptoError) {
    try ValueEncoding.percent(value, into: &self)
  }

  fileprivate var copied: [UInt8] { withUnsafeBytes { Array($0) } }
}
