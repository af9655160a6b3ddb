import ArgumentParser
import Glibc
import KeywardClient
import KeywardModel
import KeywardPolicy

/// Where a policy to be looked at comes from: files, a revision of the server, or what it has now.
enum PolicySource: ExpressibleByArgument {
  case current
  case revision(UInt64)
  case path(String)

  init?(argument: String) {
    if argument == "current" {
      self = .current
    } else if let number = UInt64(argument) {
      self = .revision(number)
    } else {
      self = .path(argument)
    }
  }

  var isOnServer: Bool {
    if case .path = self { false } else { true }
  }

  /// The policy, compiled; files are read as in `apply`, and make a whole policy by themselves.
  static func files(_ paths: [String], officerUIDs: Set<UInt32>) throws -> CompiledPolicy {
    let files = try PolicyFiles.read(paths).map { (name: $0.name, text: $0.text) }
    return CompiledPolicy(try PolicySet.parse(files), officerUIDs: officerUIDs)
  }

  static func server(_ policy: PolicyText) throws -> CompiledPolicy {
    let name = "revision \(policy.revision.revision)"
    return CompiledPolicy(
      try PolicySet.parse([(name: name, text: policy.stream)]),
      officerUIDs: Set(policy.officerUIDs)
    )
  }
}

/// Requests and differences in the form for people.
enum AnalysisText {
  /// Who does what, from where and when, in one line.
  static func request(_ request: PolicyRequest, withTime: Bool = true) -> String {
    let principal = request.principal
    var words = [
      "\(principal.issuer)/\(principal.name)",
      principal.cluster.map { "of cluster \($0)" },
      principal.environment.map { "in \($0)" },
    ].compactMap { $0 }
    words += principal.claims.sorted { $0.key < $1.key }.map { "with \($0.key)=\($0.value)" }
    words.append("does \(request.operation.rawValue) on \(request.resource)")
    if let source = request.source { words.append("from \(source)") }
    if withTime { words.append("at \(request.time.rfc3339)") }
    return Table.printable(words.joined(separator: " "))
  }
}
