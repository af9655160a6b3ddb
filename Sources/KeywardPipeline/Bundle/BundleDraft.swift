package import KeywardCrypto
package import KeywardModel

/// What a new bundle is to hold, and its writing.
package struct BundleDraft: Sendable {
  package let environment: EnvironmentName
  package let created: Timestamp
  package let expires: Timestamp
  package let recipients: [BundleRecipient]
  /// References with their versions.
  package let values: [(reference: SecretReference, value: SecretBox)]

  /// Puts recipients and values into their order; a field that is there twice is an error.
  package init(
    environment: EnvironmentName,
    created: Timestamp,
    expires: Timestamp,
    recipients: [BundleRecipient],
    values: [(reference: SecretReference, value: SecretBox)]
  ) throws(PipelineError) {
    guard created < expires else {
      throw PipelineError(.input, "A bundle must expire after it is made.")
    }
    let unique = Set(recipients)
    guard !unique.isEmpty, unique.count <= Bundle.mostRecipients else {
      throw PipelineError(
        .input,
        "A bundle has 1 to \(Bundle.mostRecipients) recipients.",
        remedy: "Name them: --recipient age1… or --recipient-key NAME."
      )
    }
    guard (1...Bundle.mostValues).contains(values.count) else {
      throw PipelineError(.input, "A bundle has 1 to \(Bundle.mostValues) values.")
    }
    let sorted = values.sorted {
      BundleOrder.before(BundleOrder.key($0.reference), BundleOrder.key($1.reference))
    }
    for (left, right) in zip(sorted, sorted.dropFirst())
    where BundleOrder.key(left.reference) == BundleOrder.key(right.reference) {
      throw PipelineError(
        .input,
        "\(BundleOrder.key(left.reference)) is to be in the bundle twice."
      )
    }
    self.environment = environment
    self.created = created
    self.expires = expires
    self.recipients = unique.sorted { BundleOrder.before($0.description, $1.description) }
    self.values = sorted
  }

  /// Writes the bundle.
  ///
  /// Values that `previous` has under the same environment, reference, version and recipients keep
  /// their ciphertext. With other recipients the bundle has a new key, so that whoever is no longer
  /// among them cannot read what comes, nor whoever is new what was.
  package func write(
    after previous: OpenBundle?,
    signer: Bundle.Signer,
    wrap: (KeyName, SecretBox) throws -> [UInt8],
    sign: ([UInt8]) throws -> [UInt8]
  ) throws -> [UInt8] {
    let kept = previous.flatMap { old in
      old.bundle.recipients == recipients && old.bundle.environment == environment ? old : nil
    }
    let key = try kept?.key ?? SecretBox(SecretBytes.random(count: BundleKeys.length))
    let keys = try BundleKeys(key.bytes)
    var text = """
      \(Bundle.version)
      environment: \(environment)
      created: \(created.rfc3339)
      expires: \(expires.rfc3339)
      signer: ed25519 \(Base64.encode(signer.publicKey))\(signer.name.map { " \($0)" } ?? "")

      """
    for recipient in recipients { text += "recipient: \(recipient)\n" }
    for wrapped in try kept?.bundle.keys ?? wrappedKeys(key, wrap) {
      switch wrapped {
      case .age(let file): text += "key: age \(Base64.encode(file))\n"
      case .keyward(let name, let bytes): text += "key: keyward \(name) \(Base64.encode(bytes))\n"
      }
    }
    let old = Dictionary(
      (kept?.bundle.entries ?? []).map { ($0.reference, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    for (reference, value) in values {
      let sealed =
        try unchanged(old[reference], value, in: kept)
        ?? keys.seal(
          value.bytes,
          as: BundleKeys.label(environment, reference)
        )
      text += "value: \(reference) \(Base64.encode(sealed))\n"
    }
    text += "mac: \(Base64.encode(try keys.authenticate(Array(text.utf8))))\n"
    let signature = try sign(Bundle.message(Array(text.utf8)))
    let file = Array((text + "signature: \(Base64.encode(signature))\n").utf8)
    // What is written can be read, or is not written.
    let bundle = try Bundle(parsing: file, named: "the new bundle")
    try bundle.verify(trusting: [signer.publicKey], now: created)
    return file
  }

  private func wrappedKeys(
    _ key: SecretBox,
    _ wrap: (KeyName, SecretBox) throws -> [UInt8]
  ) throws -> [Bundle.WrappedKey] {
    var keys: [Bundle.WrappedKey] = []
    let age = recipients.compactMap { if case .age(let recipient) = $0 { recipient } else { nil } }
    if !age.isEmpty { keys.append(.age(try AgeFile.encrypt(key.bytes, to: age))) }
    for case .keyward(let name) in recipients { keys.append(.keyward(name, try wrap(name, key))) }
    return keys
  }

  private func unchanged(
    _ entry: Bundle.Entry?,
    _ value: SecretBox,
    in previous: OpenBundle?
  ) throws -> [UInt8]? {
    guard let previous, let entry,
      try previous.value(of: entry).bytes.constantTimeEquals(value.bytes)
    else { return nil }
    return entry.sealed
  }
}
