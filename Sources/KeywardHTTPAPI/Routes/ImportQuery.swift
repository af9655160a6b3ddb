import KeywardModel

extension ImportRequest {
  static let parameters =
    [Route.Parameter("format", isRequired: true)]
    + (["version"] + limits + ["wrapping"] + wrappingKeys).map { Route.Parameter($0) }

  /// What a new key is given, and a new version has already.
  private static let limits = [
    "type", "operations", "never_exportable", "deletion_protected", "allowed_destinations",
    "required_approvals", "rotation_period",
  ]

  private static let wrappingKeys = ["wrapping_key", "wrapping_key_name", "wrapping_key_version"]

  private enum VersionWord: String, CaseIterable {
    case new
  }

  /// Reads the query; without `version=new` a new key is made, and `type` is required.
  init(_ query: QueryValues, _ name: KeyName) throws(ServiceError) {
    guard let format = try query.choice("format", of: Format.self) else {
      throw ServiceError(.invalidRequest, "The query parameter 'format' is missing.")
    }
    let wrapping = try Self.wrapping(query)
    guard try query.choice("version", of: VersionWord.self) == .new else {
      let newKey = try Self.newKey(query, name)
      self.init(format: format, newKey: newKey, wrapping: wrapping)
      return
    }
    for limit in Self.limits where query.text(limit) != nil {
      throw ServiceError(
        .invalidRequest,
        "The query parameter '\(limit)' does not go with 'version=new'.",
        remedy: "A new version has the type and limits of its key."
      )
    }
    self.init(format: format, newKey: nil, wrapping: wrapping)
  }

  private static func newKey(
    _ query: QueryValues,
    _ name: KeyName
  ) throws(ServiceError) -> CreateKeyRequest {
    let newKey = CreateKeyRequest(
      name: name.description,
      type: try query.requiredText("type"),
      operations: query.words("operations"),
      neverExportable: query.text("never_exportable") == nil
        ? nil : try query.flag("never_exportable"),
      deletionProtected: query.text("deletion_protected") == nil
        ? nil : try query.flag("deletion_protected"),
      allowedDestinations: query.words("allowed_destinations"),
      requiredApprovals: try query.count("required_approvals", within: 0...16),
      rotationPeriod: try query.number("rotation_period", within: 0...3_153_600_000)
    )
    _ = try newKey.parsed()
    return newKey
  }

  /// The id of a wrapping key that was fetched.
  static func wrappingKeyID(
    _ text: String,
    remedy: String = "Give the id that the wrapping key was fetched with: once: and 26 characters."
  ) throws(ServiceError) -> WrappingKeyID {
    guard let id = WrappingKeyID(text) else {
      throw ServiceError(
        .invalidRequest,
        "'wrapping_key' is not the id of a wrapping key.",
        remedy: remedy
      )
    }
    return id
  }

  private static func wrapping(_ query: QueryValues) throws(ServiceError) -> ImportWrapping? {
    guard let text = query.text("wrapping") else {
      for name in wrappingKeys where query.text(name) != nil {
        throw ServiceError(
          .invalidRequest,
          "The query parameter '\(name)' goes with 'wrapping' alone.",
          remedy: "Say how the blob is wrapped, as wrapping=RSA_AES_KEY_WRAP_SHA_256."
        )
      }
      return nil
    }
    let algorithm = try ImportWrapping.Algorithm(named: text)
    let version = try query.count("wrapping_key_version", within: 1...Int(Int32.max))
    switch (query.text("wrapping_key"), query.text("wrapping_key_name")) {
    case (.some(let id), nil) where version == nil:
      let remedy = "Give once: and 26 characters, or a key of Keyward's as 'wrapping_key_name'."
      return ImportWrapping(algorithm, under: .oneTime(try wrappingKeyID(id, remedy: remedy)))
    case (nil, .some(let name)):
      return ImportWrapping(algorithm, under: .named(try WireText.keyName(name), version: version))
    default:
      throw ServiceError(
        .invalidRequest,
        "A wrapped import names one wrapping key.",
        remedy: "Give 'wrapping_key', or 'wrapping_key_name' and perhaps 'wrapping_key_version'."
      )
    }
  }
}

extension QueryValues {
  /// Words joined by commas; nil when absent, none when empty.
  fileprivate func words(_ name: String) -> [String]? {
    text(name).map { text in
      text.isEmpty
        ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }
}
