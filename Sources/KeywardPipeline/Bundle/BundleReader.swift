import KeywardCrypto
import KeywardModel

extension Bundle {
  /// Reads the text of a bundle, strictly: one spelling, one order, nothing unknown.
  package init(parsing file: [UInt8], named name: String) throws(PipelineError) {
    guard file.count <= Self.longest else {
      throw PipelineError(.input, "\(name) has more than \(Self.longest >> 20) MiB.")
    }
    var reader = BundleLines(file, name)
    guard try reader.next(of: nil) == Self.version else {
      throw reader.wrong("is not a bundle of this version: it does not begin '\(Self.version)'")
    }
    environment = try reader.environment()
    created = try reader.time("created")
    expires = try reader.time("expires")
    guard created < expires else { throw reader.wrong("expires before it was made") }
    signer = try reader.signer()
    recipients = try reader.recipients()
    keys = try reader.keys()
    try Self.check(keys, recipients, reader)
    entries = try reader.entries()
    authenticated = reader.before
    mac = try reader.octets("mac", count: 32)
    signed = reader.before
    signature = try reader.octets("signature", count: 64)
    guard reader.isAtEnd else { throw reader.wrong("goes on after the signature") }
    digest = Digest.sha256(file)
  }

  /// Each recipient has its key, and each key its recipient.
  private static func check(
    _ keys: [WrappedKey],
    _ recipients: [BundleRecipient],
    _ reader: BundleLines
  ) throws(PipelineError) {
    let named = recipients.compactMap { recipient -> KeyName? in
      if case .keyward(let name) = recipient { name } else { nil }
    }
    let wrapped = keys.compactMap { key -> KeyName? in
      if case .keyward(let name, _) = key { name } else { nil }
    }
    let files = keys.count - wrapped.count
    guard named == wrapped, files == (named.count < recipients.count ? 1 : 0) else {
      throw reader.wrong("has keys that are not those of its recipients")
    }
  }
}

/// The lines of a bundle in their order.
private struct BundleLines {
  private let bytes: [UInt8]
  private let name: String
  private var offset = 0
  private var number = 0
  /// The line that the last reading looked at.
  private var at = 0

  init(_ bytes: [UInt8], _ name: String) {
    self.bytes = bytes
    self.name = name
  }

  var isAtEnd: Bool { offset == bytes.count }

  /// Everything before the next line.
  var before: [UInt8] { Array(bytes[..<offset]) }

  func wrong(_ what: String) -> PipelineError {
    PipelineError(
      .input,
      at: .init(file: name, line: max(at, 1), column: 1),
      "This \(what).",
      remedy: "A bundle is read as it was made; get it again if it was edited."
    )
  }

  /// What the next line says of `key`, or the whole line without one.
  mutating func next(of key: String?) throws(PipelineError) -> Substring {
    at = number + 1
    guard let end = bytes[offset...].firstIndex(of: 0x0a) else {
      throw wrong(offset == bytes.count ? "ends too early" : "line has no end")
    }
    let line = bytes[offset..<end]
    guard line.allSatisfy({ (0x20...0x7e).contains($0) }) else {
      throw wrong("has bytes that are not printable ASCII")
    }
    let text = String(decoding: line, as: UTF8.self)
    guard let key else {
      (offset, number) = (end + 1, number + 1)
      return text[...]
    }
    guard text.hasPrefix(key + ": ") else { throw wrong("line should begin '\(key): '") }
    (offset, number) = (end + 1, number + 1)
    return text.dropFirst(key.utf8.count + 2)
  }

  private func isNext(_ key: String) -> Bool {
    bytes[offset...].starts(with: (key + ": ").utf8)
  }

  mutating func time(_ key: String) throws(PipelineError) -> Timestamp {
    let text = String(try next(of: key))
    guard let time = Timestamp(rfc3339: text), time.rfc3339 == text else {
      throw wrong("has no time like 2027-01-31T18:00:00.000Z")
    }
    return time
  }

  mutating func environment() throws(PipelineError) -> EnvironmentName {
    let text = String(try next(of: "environment"))
    guard let name = try? EnvironmentName(text) else { throw wrong("has no environment") }
    return name
  }

  mutating func octets(_ key: String, count: Int) throws(PipelineError) -> [UInt8] {
    guard let bytes = Base64.decode(String(try next(of: key))), bytes.count == count else {
      throw wrong("has no base64 of \(count) bytes")
    }
    return bytes
  }

  mutating func signer() throws(PipelineError) -> Bundle.Signer {
    let words = try next(of: "signer").split(separator: " ", omittingEmptySubsequences: false)
    guard (2...3).contains(words.count), words[0] == "ed25519",
      let key = Base64.decode(String(words[1])), key.count == 32
    else { throw wrong("has no signer of the form 'ed25519 KEY'") }
    guard words.count == 3 else { return Bundle.Signer(publicKey: key, name: nil) }
    guard let name = try? KeyName(String(words[2])) else { throw wrong("has no name of a key") }
    return Bundle.Signer(publicKey: key, name: name)
  }

  mutating func recipients() throws(PipelineError) -> [BundleRecipient] {
    var recipients: [BundleRecipient] = []
    while recipients.isEmpty || isNext("recipient") {
      let text = String(try next(of: "recipient"))
      guard let recipient = BundleRecipient(text) else { throw wrong("has no recipient") }
      if let last = recipients.last {
        guard BundleOrder.before(last.description, text) else { throw wrong("is out of order") }
      }
      guard recipients.count < Bundle.mostRecipients else { throw wrong("has too many recipients") }
      recipients.append(recipient)
    }
    return recipients
  }

  mutating func keys() throws(PipelineError) -> [Bundle.WrappedKey] {
    var keys: [Bundle.WrappedKey] = []
    while keys.isEmpty || isNext("key") {
      let words = try next(of: "key").split(separator: " ", omittingEmptySubsequences: false)
      guard let last = words.last, let bytes = Base64.decode(String(last)), !bytes.isEmpty,
        bytes.count <= 1 << 16, keys.count <= Bundle.mostRecipients
      else { throw wrong("has no wrapped key") }
      if words.count == 2, words[0] == "age", keys.isEmpty {
        keys.append(.age(bytes))
      } else if words.count == 3, words[0] == "keyward", let name = try? KeyName(String(words[1])) {
        keys.append(.keyward(name, bytes))
      } else {
        throw wrong("has no wrapped key")
      }
    }
    return keys
  }

  mutating func entries() throws(PipelineError) -> [Bundle.Entry] {
    var entries: [Bundle.Entry] = []
    while isNext("value") {
      let words = try next(of: "value").split(separator: " ", omittingEmptySubsequences: false)
      guard words.count == 2 else { throw wrong("is no 'value: REFERENCE CIPHERTEXT'") }
      let reference: SecretReference
      do throws(SpellingError) {
        reference = try SecretReference(String(words[0]))
      } catch {
        throw wrong("has no reference")
      }
      guard reference.version != nil, reference.field != nil,
        reference.description == words[0]
      else { throw wrong("has no reference with its version and field") }
      guard let sealed = Base64.decode(String(words[1])),
        sealed.count >= CommittingAEAD.saltLength + CommittingAEAD.tagLength
      else { throw wrong("has no ciphertext") }
      if let last = entries.last {
        guard BundleOrder.before(BundleOrder.key(last.reference), BundleOrder.key(reference)) else {
          throw wrong("is out of order, or there twice")
        }
      }
      guard entries.count < Bundle.mostValues else { throw wrong("has too many values") }
      entries.append(Bundle.Entry(reference: reference, sealed: sealed))
    }
    return entries
  }
}

/// The order of lines: by bytes, so that a list has one spelling.
enum BundleOrder {
  static func before(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  /// Name and field without the version: each field is there once.
  static func key(_ reference: SecretReference) -> String {
    SecretReference(reference.secret, field: reference.field).description
  }
}
