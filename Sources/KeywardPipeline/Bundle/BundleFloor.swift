import Glibc
import KeywardCrypto
import KeywardModel
package import KeywardSystem

/// How new the bundle was that each value was last taken from, kept for who opens bundles.
///
/// An older bundle of the same signer opens as well as a newer one, and has what was replaced since:
/// whoever can put files in the place of others could bring that back. The floor of a
/// value only rises. Whoever may write the file can lower it, and reads the identity beside it.
package struct BundleFloor: Sendable {
  /// A value, whatever its version: in which environment, by which signer.
  private struct Value: Hashable {
    let signer: [UInt8]
    let environment: EnvironmentName
    let reference: SecretReference

    init(_ bundle: Bundle, _ entry: Bundle.Entry) {
      signer = bundle.signer.publicKey
      environment = bundle.environment
      reference = SecretReference(entry.reference.secret, field: entry.reference.field)
    }

    init?(_ words: [Substring]) {
      guard let signer = Base64.decode(String(words[1])), signer.count == 32,
        let environment = try? EnvironmentName(String(words[2])),
        let reference = try? SecretReference(String(words[3])), reference.version == nil
      else { return nil }
      self.signer = signer
      self.environment = environment
      self.reference = reference
    }

    var text: String { "\(Base64.encode(signer)) \(environment) \(reference)" }
  }

  private static let version = "keyward-bundle-floor-v1"
  private static let longest = 64 << 20
  package let path: String

  package init(path: String) {
    self.path = path
  }

  /// Refuses a verified bundle that is older than the one that `entries` were last taken from, and
  /// raises the floor of all that is in it.
  ///
  /// - Throws: `PipelineError`.
  /// - Returns: Why the file cannot be written, as on a read-only file system; what it says is obeyed
  ///   even so.
  package func admit(
    _ bundle: Bundle,
    named name: String,
    for entries: [Bundle.Entry],
    allowingOlder: Bool = false
  ) throws -> SystemError? {
    do {
      // Two openings at once: one after the other, or the lower floor could be written last.
      let lock = try FileDescriptor.open("\(path).lock", O_RDWR | O_CREAT | O_NOFOLLOW)
      guard flock(lock.rawValue, LOCK_EX) == 0 else {
        throw SystemError(cannot: "lock \(path)", code: errno)
      }
      defer { flock(lock.rawValue, LOCK_UN) }
      if let floor = try raised(by: bundle, named: name, for: entries, allowingOlder) {
        try AtomicFile.write(Self.text(of: floor), to: path)
      }
      return nil
    } catch let error as SystemError {
      _ = try raised(by: bundle, named: name, for: entries, allowingOlder)
      return error
    }
  }

  /// The floor with this bundle; nil if it is what it was.
  private func raised(
    by bundle: Bundle,
    named name: String,
    for entries: [Bundle.Entry],
    _ allowingOlder: Bool
  ) throws(PipelineError) -> [Value: Timestamp]? {
    var floor = try read()
    if !allowingOlder {
      for entry in entries {
        let value = Value(bundle, entry)
        guard let newest = floor[value], newest > bundle.created else { continue }
        throw PipelineError(
          .verification,
          "\(name) is of \(bundle.created.rfc3339), and \(value.reference) of"
            + " \(bundle.environment) was here in a newer bundle, of \(newest.rfc3339) (\(path)).",
          remedy: "Get the newest bundle. To go back on purpose: --allow-older."
        )
      }
    }
    var isRaised = false
    for entry in bundle.entries {
      let value = Value(bundle, entry)
      if let newest = floor[value], newest >= bundle.created { continue }
      floor[value] = bundle.created
      isRaised = true
    }
    return isRaised ? floor : nil
  }

  private func read() throws(PipelineError) -> [Value: Timestamp] {
    let bytes: [UInt8]
    do throws(SystemError) {
      guard access(path, F_OK) == 0 || errno != ENOENT && errno != ENOTDIR else { return [:] }
      bytes = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW)
        .readAll(from: path, limit: Self.longest)
    } catch {
      throw PipelineError(
        .failed,
        "Which bundles were opened here before cannot be read: \(error.message).",
        remedy: "Let this user read \(path): without it an older bundle would not be noticed."
      )
    }
    var floor: [Value: Timestamp] = [:]
    let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    guard lines.count >= 2, lines.last?.isEmpty == true,
      String(decoding: lines[0], as: UTF8.self) == Self.version
    else { throw damaged(line: 1) }
    for (index, line) in lines.enumerated().dropFirst().dropLast() {
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard words.count == 4, let time = Timestamp(rfc3339: String(words[0])),
        let value = Value(words), floor.updateValue(time, forKey: value) == nil
      else { throw damaged(line: index + 1) }
    }
    return floor
  }

  private func damaged(line: Int) -> PipelineError {
    PipelineError(
      .verification,
      at: .init(file: path, line: line, column: 1),
      "This is no line of 'keyward bundle open'.",
      remedy: "If you know why, move the file away: then any bundle that has not expired is taken,"
        + " and --not-before TIME is the one bound."
    )
  }

  private static func text(of floor: [Value: Timestamp]) -> [UInt8] {
    let lines = floor.map { "\($0.value.rfc3339) \($0.key.text)\n" }
    return Array("\(version)\n\(lines.sorted().joined())".utf8)
  }
}
