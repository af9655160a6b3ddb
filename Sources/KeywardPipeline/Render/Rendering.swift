package import KeywardCrypto
package import KeywardModel

/// A manifest that was read, with what is to be filled in it.
///
/// Everything that is not filled is copied byte by byte: comments, order, quotes and line ends stay.
package struct Rendering: Sendable {
  /// A part of the output: bytes of the input, text that is not secret, or a value as it is written.
  package enum Piece: Sendable {
    case source(Range<Int>)
    case text(String)
    case secret(SecretBox)
  }

  package let file: String
  let bytes: [UInt8]
  private let fills: [ScalarFill]
  private let insertions: [(object: Int, place: VersionAnnotation.Insertion)]

  /// Reads YAML or JSON, whichever it is.
  ///
  /// With `annotating`, each object that has something filled in gets the versions as an annotation.
  package init(
    _ bytes: [UInt8],
    file: String,
    annotating: Bool = false
  ) throws(PipelineError) {
    self.bytes = bytes
    self.file = file
    let json = JSONManifest.read(bytes, file: file)
    let documents: [ManifestNode]
    if let json {
      documents = json.documents
    } else {
      documents = try YAMLManifest(bytes, file: file).documents
    }
    let walk = try ManifestWalk(documents, file: file)
    var fills: [ScalarFill] = []
    for slot in walk.slots { fills.append(try ScalarFill(slot, in: bytes)) }
    self.fills = fills.sorted { $0.range.lowerBound < $1.range.lowerBound }
    var insertions: [(object: Int, place: VersionAnnotation.Insertion)] = []
    if annotating {
      guard json == nil else {
        throw PipelineError(
          .input,
          "\(file) is JSON, into which --annotate puts nothing.",
          remedy: "Annotate YAML."
        )
      }
      for object in Set(walk.slots.compactMap(\.object)).sorted() {
        let place = try VersionAnnotation.insertion(
          into: walk.objects[object],
          in: bytes,
          file: file
        )
        insertions.append((object, place))
      }
    }
    self.insertions = insertions
  }

  /// The longest input, in bytes.
  package static var longest: Int { YAMLManifest.longest }

  /// Bytes of the input.
  package var count: Int { bytes.count }

  /// What stands between two inputs, so that they stay documents of their own.
  package static func separator(_ first: Rendering, _ second: Rendering) -> String? {
    let isEnded = first.bytes.last.map { $0 == 0x0a } ?? true
    let begins = second.bytes.starts(with: "---".utf8)
    guard !isEnded || !begins else { return nil }
    return (isEnded ? "" : "\n") + (begins ? "" : "---\n")
  }

  /// What is to be fetched, each reference with the places where it stands.
  package var wanted: [(reference: SecretReference, place: PipelineError.Place)] {
    fills.flatMap { fill in fill.slot.template.references.map { ($0, fill.slot.place) } }
  }

  /// The output in pieces, made whole before a byte of it is written.
  ///
  /// Fails at the first value that is missing or that its place cannot carry, with file and line.
  package func filled(with secrets: FetchedSecrets) throws(PipelineError) -> [Piece] {
    var edits: [(range: Range<Int>, pieces: [Piece])] = []
    for fill in fills { edits += try fill.edits(with: secrets, in: bytes) }
    for (object, place) in insertions {
      let text = VersionAnnotation.text(pinned(object, secrets))
      guard text.utf8.count <= VersionAnnotation.longest else {
        throw PipelineError(.input, "\(file) has an object with too many references to annotate.")
      }
      edits.append((place.range, [.text("\(place.before)\"\(text)\"\(place.after)")]))
    }
    edits.sort { $0.range.lowerBound < $1.range.lowerBound }
    var pieces: [Piece] = []
    var start = 0
    for (range, replacement) in edits {
      guard range.lowerBound >= start else {
        throw PipelineError(.input, "\(file) has references that overlap.")
      }
      if range.lowerBound > start { pieces.append(.source(start..<range.lowerBound)) }
      pieces += replacement
      start = range.upperBound
    }
    if start < bytes.count { pieces.append(.source(start..<bytes.count)) }
    return pieces
  }

  private func pinned(_ object: Int, _ secrets: FetchedSecrets) -> [SecretReference] {
    fills.filter { $0.slot.object == object }.flatMap { fill in
      fill.slot.template.references.compactMap { reference -> SecretReference? in
        guard reference.version == nil, let found = secrets[reference] else { return nil }
        return SecretReference(reference.secret, version: found.version, field: reference.field)
      }
    }
  }

  /// Calls `write` with the bytes of the pieces in turn, straight from where they are.
  package func write(
    _ pieces: [Piece],
    _ write: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    for piece in pieces {
      switch piece {
      case .source(let range):
        try bytes.withUnsafeBytes { try write(UnsafeRawBufferPointer(rebasing: $0[range])) }
      case .text(let text):
        try Array(text.utf8).withUnsafeBytes { try write($0) }
      case .secret(let secret):
        try secret.bytes.withUnsafeBytes { try write($0) }
      }
    }
  }
}
