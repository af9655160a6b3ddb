import KeywardModel

/// A scalar of a manifest that has references in it.
struct ManifestSlot: Sendable {
  /// What the scalar is for whoever reads it.
  enum Purpose: Equatable, Sendable {
    case text
    /// Bytes in base64, as `data` of a Secret has them; the template stands there as it is.
    case bytes
    /// The same, with the template itself in base64, as charts write it.
    case encodedTemplate
  }

  let node: ManifestNode
  let style: ManifestNode.Style
  let template: TemplateText
  /// The decoded text of the template.
  let text: String
  let purpose: Purpose
  let place: PipelineError.Place
  /// The object of Kubernetes that it belongs to.
  let object: Int?
}

/// An object of Kubernetes: what has an apiVersion, a kind and metadata.
struct ManifestObject: Sendable {
  let node: ManifestNode
  let kind: String
  let name: String?
  let namespace: String?

  var title: String {
    (namespace.map { $0 + "/" } ?? "") + PipelineText.shown(kind) + "/"
      + PipelineText.shown(name ?? "?")
  }
}

/// Finds what is to be filled in the nodes of a manifest.
struct ManifestWalk {
  private(set) var slots: [ManifestSlot] = []
  private(set) var objects: [ManifestObject] = []
  private let file: String
  private let takesReferences: Bool
  private var visited: Set<ObjectIdentifier> = []

  /// Finds objects alone: what is deployed has values where references were.
  init(objectsOf documents: [ManifestNode], file: String) throws(PipelineError) {
    self.file = file
    takesReferences = false
    for document in documents { try walk(document, object: nil, isBase64: false) }
  }

  init(_ documents: [ManifestNode], file: String) throws(PipelineError) {
    self.file = file
    takesReferences = true
    for document in documents { try walk(document, object: nil, isBase64: false) }
  }

  /// Where a node stands, as far as it matters to who may read it.
  private enum Standing {
    case anywhere
    /// `metadata` of an object or of a template of one.
    case metadata
    /// Within its annotations or labels, which everybody sees who may list the objects.
    case told
  }

  private mutating func walk(
    _ node: ManifestNode,
    object: Int?,
    isBase64: Bool,
    _ standing: Standing = .anywhere
  ) throws(PipelineError) {
    // An alias stands for what was filled where it is defined; one in public is looked at again.
    if node.isAnchored, !visited.insert(ObjectIdentifier(node)).inserted, standing != .told {
      return
    }
    switch node.content {
    case .scalar(let text, let style):
      guard takesReferences else { return }
      guard standing != .told || !TemplateText.isMeant(by: text) else {
        throw PipelineError(
          .input,
          at: place(node),
          "Annotations and labels take no reference: whoever may list the objects reads them."
        )
      }
      try take(node, text, style, object: object, isBase64: isBase64 || node.isBinary)
    case .sequence(let items):
      for item in items {
        try walk(item, object: object, isBase64: isBase64, standing == .told ? .told : .anywhere)
      }
    case .mapping(let members):
      try walk(members, of: node, object: object, isBase64: isBase64, standing)
    }
  }

  private mutating func walk(
    _ members: [(key: ManifestNode, value: ManifestNode)],
    of node: ManifestNode,
    object: Int?,
    isBase64: Bool,
    _ standing: Standing
  ) throws(PipelineError) {
    var object = object
    let kind = node["kind"]?.text
    if let kind, node["apiVersion"]?.text != nil, let metadata = node["metadata"] {
      object = objects.count
      objects.append(
        ManifestObject(
          node: node,
          kind: kind,
          name: metadata["name"]?.text,
          namespace: metadata["namespace"]?.text
        )
      )
    }
    let binary = kind == "Secret" ? "data" : kind == "ConfigMap" ? "binaryData" : nil
    for (key, value) in members {
      if takesReferences, let name = key.text, TemplateText.isMeant(by: name) {
        throw PipelineError(.input, at: place(key), "A reference cannot be the name of a field.")
      }
      // What it says is read by `--check`, and is no place for values.
      if key.text == VersionAnnotation.key { continue }
      let isData = binary != nil && key.text == binary
      let inner: Standing =
        switch (standing, key.text) {
        case (.told, _), (.metadata, "annotations"), (.metadata, "labels"): .told
        case (.anywhere, "metadata"): .metadata
        default: .anywhere
        }
      try walk(value, object: object, isBase64: isBase64 || isData, inner)
    }
  }

  private mutating func take(
    _ node: ManifestNode,
    _ text: String,
    _ style: ManifestNode.Style,
    object: Int?,
    isBase64: Bool
  ) throws(PipelineError) {
    var purpose = isBase64 ? ManifestSlot.Purpose.bytes : .text
    var template = text
    if !TemplateText.isMeant(by: text) {
      guard isBase64, let decoded = decoded(text) else { return }
      guard let inner = String(validating: decoded, as: UTF8.self) else {
        throw PipelineError(
          .input,
          at: place(node),
          "This base64 has a reference within binary data."
        )
      }
      (purpose, template) = (.encodedTemplate, inner)
    }
    let parsed: TemplateText
    do throws(TemplateText.Failure) {
      parsed = try TemplateText(template)
    } catch {
      throw PipelineError(
        .input,
        at: place(node, error.offset, of: template, style, purpose),
        Self.sentence(error.message)
      )
    }
    slots.append(
      ManifestSlot(
        node: node,
        style: style,
        template: parsed,
        text: template,
        purpose: purpose,
        place: place(node),
        object: object
      )
    )
  }

  /// The bytes of base64, if they have a reference in them.
  private func decoded(_ text: String) -> [UInt8]? {
    let digits = text.utf8.filter { $0 != 0x0a && $0 != 0x0d && $0 != 0x20 }
    guard digits.count >= 8, let bytes = Base64.decode(String(decoding: digits, as: UTF8.self)),
      TemplateText.isMeant(byBytes: bytes)
    else { return nil }
    return bytes
  }

  private func place(_ node: ManifestNode) -> PipelineError.Place {
    .init(file: file, line: node.line, column: node.column)
  }

  /// The character itself where the text stands as it is, else the beginning of the scalar.
  private func place(
    _ node: ManifestNode,
    _ offset: Int,
    of text: String,
    _ style: ManifestNode.Style,
    _ purpose: ManifestSlot.Purpose
  ) -> PipelineError.Place {
    let before = text.utf8.prefix(offset)
    guard purpose != .encodedTemplate, style != .folded,
      before.allSatisfy({ (0x20...0x7e).contains($0) && $0 != 0x5c && $0 != 0x22 && $0 != 0x27 })
    else {
      guard style == .literal, purpose != .encodedTemplate else { return place(node) }
      return .init(file: file, line: node.line + 1 + before.count { $0 == 0x0a }, column: 1)
    }
    switch style {
    case .plain: return .init(file: file, line: node.line, column: node.column + offset)
    case .singleQuoted, .doubleQuoted, .json:
      return .init(file: file, line: node.line, column: node.column + 1 + offset)
    case .literal: return .init(file: file, line: node.line + 1, column: 1)
    case .folded: return place(node)
    }
  }

  private static func sentence(_ words: String) -> String {
    words.prefix(1).uppercased() + words.dropFirst() + "."
  }
}
