package import KeywardModel

/// What deployed objects were filled with, read from their annotations, beside what there is now.
package struct Staleness: Sendable {
  /// One reference of one object.
  package struct Finding: Equatable, Sendable, Encodable {
    package let object: String
    package let reference: String
    package let deployed: Int
    /// Nil if there is nothing, or nothing may be told.
    package let current: Int?
    package let isStale: Bool

    enum CodingKeys: String, CodingKey {
      case object
      case reference
      case deployed
      case current
      case isStale = "stale"
    }
  }

  private let deployed: [(object: String, reference: SecretReference)]

  /// Reads manifests as `kubectl get -o yaml` or `-o json` gives them.
  package init(_ bytes: [UInt8], file: String) throws(PipelineError) {
    let documents: [ManifestNode]
    if let json = JSONManifest.read(bytes, file: file) {
      documents = json.documents
    } else {
      documents = try YAMLManifest(bytes, file: file).documents
    }
    var deployed: [(object: String, reference: SecretReference)] = []
    for object in try ManifestWalk(objectsOf: documents, file: file).objects {
      guard let annotation = object.node["metadata"]?["annotations"]?[VersionAnnotation.key] else {
        continue
      }
      guard let text = annotation.text, let references = VersionAnnotation.parse(text) else {
        throw PipelineError(
          .input,
          at: .init(file: file, line: annotation.line, column: annotation.column),
          "This annotation \(VersionAnnotation.key) is none that 'keyward render' writes."
        )
      }
      deployed += references.map { (object.title, $0) }
    }
    guard deployed.count <= 100_000 else {
      throw PipelineError(.input, "\(file) has too many versions.")
    }
    self.deployed = deployed
  }

  package var isEmpty: Bool { deployed.isEmpty }

  /// What to ask about: each reference once, without a version.
  package var references: [SecretReference] {
    var seen: Set<SecretReference> = []
    return deployed.map { SecretReference($0.reference.secret, field: $0.reference.field) }
      .filter { seen.insert($0).inserted }
  }

  /// Compares with the versions of a plan.
  package func findings(_ plan: SecretPlan) -> [Finding] {
    let versions = Dictionary(
      plan.lines.map { ($0.reference, $0.version) },
      uniquingKeysWith: { first, _ in first }
    )
    return deployed.map { object, reference in
      let plain = SecretReference(reference.secret, field: reference.field)
      let current = versions[plain.description] ?? nil
      return Finding(
        object: object,
        reference: plain.description,
        deployed: reference.version ?? 0,
        current: current,
        isStale: current != reference.version
      )
    }
  }
}
