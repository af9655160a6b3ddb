import KeywardCrypto

extension ValueForm {
  /// Writes the items, or says which value the form cannot carry and why.
  ///
  /// `delimiter` is random text for the one form that needs it: a value must not be able to guess it.
  package func write(
    _ items: [OutputItem],
    head: KubernetesSecretHead? = nil,
    delimiter: String = ""
  ) throws(PipelineError) -> OutputText {
    for item in items {
      try check(name: item.name)
      if let reason = refusal(of: item) { throw refused(item, reason) }
    }
    try checkTogether(items)
    do throws(CryptoError) {
      var text = try SecretText(capacity: 64)
      var variables: SecretBox?
      switch self {
      case .raw: for item in items { try Self.plain(item, into: &text) }
      case .json: try Self.json(items, into: &text)
      case .kubernetesSecret: try Self.secret(items, head, into: &text)
      case .github:
        for item in items { try Self.masks(item, into: &text) }
        var lines = try SecretText(capacity: 64)
        for item in items { try Self.heredoc(item, delimiter, into: &lines) }
        variables = SecretBox(try lines.finish())
      case .dotenv, .shell, .yaml, .properties, .gitlab, .azure, .docker:
        for item in items { try line(item, into: &text) }
      }
      return OutputText(standard: SecretBox(try text.finish()), variables: variables)
    } catch {
      throw .outOfSecureMemory
    }
  }

  private func refused(_ item: OutputItem, _ reason: String) -> PipelineError {
    PipelineError(
      .value,
      "The form \(rawValue) cannot carry the value of \(PipelineText.shown(item.name)): \(reason).",
      remedy: "Take a form that carries every value: --format k8s-secret, or raw to a file."
    )
  }

  private func checkTogether(_ items: [OutputItem]) throws(PipelineError) {
    if self == .raw, items.count != 1 {
      throw PipelineError(
        .input,
        "The form raw takes exactly one value, and there are \(items.count).",
        remedy: "Ask for one, or take a form with names."
      )
    }
    var seen: Set<String> = []
    for item in items where self != .raw && !seen.insert(item.name).inserted {
      throw PipelineError(
        .input,
        "Two values have the name \(item.name).",
        remedy: "Name them apart: NAME=kw://…"
      )
    }
    if self == .kubernetesSecret, items.reduce(0, { $0 + $1.value.bytes.count }) > 1 << 20 {
      throw PipelineError(.value, "A Kubernetes Secret holds at most 1 MiB, and this is more.")
    }
    if self == .gitlab,
      items.reduce(0, { $0 + $1.value.bytes.count + $1.name.utf8.count + 2 }) > 5120
    {
      throw PipelineError(
        .value,
        "A dotenv report of GitLab holds at most 5 KiB, and this is more."
      )
    }
  }

  // MARK: Lines

  private func line(_ item: OutputItem, into text: inout SecretText) throws(CryptoError) {
    let encode: (UnsafeRawBufferPointer, inout SecretText) throws(CryptoError) -> Void
    switch self {
    case .dotenv: encode = Self.dotenv
    case .shell: encode = ValueEncoding.shell
    case .properties: encode = ValueEncoding.properties
    case .yaml: encode = Self.yamlValue
    case .azure: encode = Self.azure
    default: encode = { (value, text) throws(CryptoError) in try text.append(value) }
    }
    switch self {
    case .yaml:
      try text.append("\"")
      try Self.public(item.name, ValueEncoding.yaml, into: &text)
      try text.append("\": ")
    case .properties:
      try Self.propertyName(item.name, into: &text)
      try text.append("=")
    case .azure:
      try text.append("##vso[task.setvariable variable=\(item.name);issecret=true]")
    default: try text.append(item.name + "=")
    }
    try Self.encoding(item.value, encode, into: &text)
    try text.append("\n")
  }

  private static func encoding(
    _ value: SecretBox,
    _ encode: (UnsafeRawBufferPointer, inout SecretText) throws(CryptoError) -> Void,
    into text: inout SecretText
  ) throws(CryptoError) {
    try value.bytes.withUnsafeBytes { bytes throws(CryptoError) in try encode(bytes, &text) }
  }

  private static func `public`(
    _ name: String,
    _ encode: (UnsafeRawBufferPointer, inout SecretText) throws(CryptoError) -> Void,
    into text: inout SecretText
  ) throws(CryptoError) {
    try encoding(SecretBox(try SecretBytes.fixture(Array(name.utf8))), encode, into: &text)
  }

  private static func plain(_ item: OutputItem, into text: inout SecretText) throws(CryptoError) {
    try encoding(
      item.value,
      { (value, text) throws(CryptoError) in try text.append(value) },
      into: &text
    )
  }

  private static func propertyName(
    _ name: String,
    into text: inout SecretText
  ) throws(CryptoError) {
    for byte in name.utf8 {
      if "=:#!\\".utf8.contains(byte) { try text.append("\\") }
      try text.append(byte: byte)
    }
  }

  /// Single quotes where that is all; else double quotes, whose content needs no escape then.
  private static func dotenv(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    let quote: UInt8 = value.contains(0x27) ? 0x22 : 0x27
    try text.append(byte: quote)
    try text.append(value)
    try text.append(byte: quote)
  }

  /// A double-quoted scalar, or `!!binary` for what is no text.
  private static func yamlValue(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    let isText = ValueEncoding.isText(value)
    try text.append(isText ? "\"" : "!!binary \"")
    if isText {
      try ValueEncoding.yaml(value, into: &text)
    } else {
      try ValueEncoding.base64(value, into: &text)
    }
    try text.append("\"")
  }

  private static func json(_ items: [OutputItem], into text: inout SecretText) throws(CryptoError) {
    try text.append("{")
    for (index, item) in items.enumerated() {
      try text.append(index == 0 ? "\n  \"" : ",\n  \"")
      try Self.public(item.name, ValueEncoding.json, into: &text)
      try text.append("\": \"")
      try encoding(item.value, ValueEncoding.json, into: &text)
      try text.append("\"")
    }
    try text.append(items.isEmpty ? "}\n" : "\n}\n")
  }

  private static func secret(
    _ items: [OutputItem],
    _ head: KubernetesSecretHead?,
    into text: inout SecretText
  ) throws(CryptoError) {
    guard let head else { throw .invalidInput("a Secret without a name") }
    try text.append("apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"\(head.name)\"\n")
    if let namespace = head.namespace { try text.append("  namespace: \"\(namespace)\"\n") }
    try text.append("type: \"\(head.type)\"\ndata:\(items.isEmpty ? " {}" : "")\n")
    for item in items {
      try text.append("  \"\(item.name)\": \"")
      try encoding(item.value, ValueEncoding.base64, into: &text)
      try text.append("\"\n")
    }
  }

  // MARK: Commands of runners

  private static func heredoc(
    _ item: OutputItem,
    _ delimiter: String,
    into text: inout SecretText
  ) throws(CryptoError) {
    try text.append("\(item.name)<<\(delimiter)\n")
    try plain(item, into: &text)
    try text.append("\n\(delimiter)\n")
  }

  /// One mask for each line, since the runner compares lines; short lines of longer values, such as
  /// a lone brace, would black out the log and hide nothing.
  private static func masks(_ item: OutputItem, into text: inout SecretText) throws(CryptoError) {
    try item.value.bytes.withUnsafeBytes { value throws(CryptoError) in
      var start = 0
      for end in 0...value.count where end == value.count || value[end] == 10 || value[end] == 13 {
        let line = UnsafeRawBufferPointer(rebasing: value[start..<end])
        start = end + 1
        guard line.count >= 4 || (line.count == value.count && !line.isEmpty) else { continue }
        try text.append("::add-mask::")
        try command(line, percent: "%25", into: &text)
        try text.append("\n")
      }
    }
  }

  private static func azure(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try command(value, percent: "%AZP25", into: &text)
  }

  private static func command(
    _ value: UnsafeRawBufferPointer,
    percent: String,
    into text: inout SecretText
  ) throws(CryptoError) {
    try ValueEncoding.escaping(bytesOf: value, into: &text) { byte in
      switch byte {
      case 0x25: percent
      case 0x0d: "%0D"
      case 0x0a: "%0A"
      default: nil
      }
    }
  }
}
