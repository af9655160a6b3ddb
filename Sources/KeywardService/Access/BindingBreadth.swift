import KeywardAuthn
import KeywardModel
import KeywardPolicy

/// Looks for bindings that would let strangers in: issuers that sign for everybody in the world have a
/// preset, and a preset says what a binding has to name.
enum BindingBreadth {
  /// The first binding that is too broad, or can never match, in words; nil if there is none.
  static func problem(of set: PolicySet, under registry: Registry) -> String? {
    for document in set.documents {
      // A role that only forbids lets nobody in: it may be for everybody.
      guard case .binding(let binding) = document.body,
        set.rules(ofRole: binding.role).contains(where: { $0.effect == .allow })
      else { continue }
      for (index, subject) in binding.subjects.enumerated() {
        for name in issuers(of: subject, in: registry) {
          guard let preset = registry.preset(ofIssuer: name) else { continue }
          switch preset.broadness(of: scope(subject, binding)) {
          case .narrow, .advice: continue
          case .tooBroad(let words), .neverMatches(let words):
            let place = document.place.map { "\($0): " } ?? ""
            return "\(place)Binding '\(document.name)', subject \(index), issuer '\(name)' "
              + "(\(preset.rawValue)): \(words)"
          }
        }
      }
    }
    return nil
  }

  /// What a preset would rather have, in words.
  static func advice(on set: PolicySet, under registry: Registry) -> [String] {
    var words: [String] = []
    for document in set.documents {
      guard case .binding(let binding) = document.body else { continue }
      for subject in binding.subjects {
        for name in issuers(of: subject, in: registry) {
          guard let preset = registry.preset(ofIssuer: name),
            case .advice(let text) = preset.broadness(of: scope(subject, binding))
          else { continue }
          words.append("Binding '\(document.name)', issuer '\(name)': \(text)")
        }
      }
    }
    return words
  }

  /// The names of registered JWT issuers that a subject can be of.
  private static func issuers(of subject: PolicySubject, in registry: Registry) -> [String] {
    if let kind = subject.kind, kind != .jwt { return [] }
    switch subject.issuer {
    case .literal(let name): return [name]
    case .present: return registry.issuerNames
    }
  }

  private static func scope(_ subject: PolicySubject, _ binding: PolicyBinding) -> BindingScope {
    var allowed: [String: [String]] = [:]
    for condition in binding.conditions {
      guard case .isIn(let attribute, let values) = condition else { continue }
      allowed[attribute.description] = values
    }
    return BindingScope(name: subject.name?.description, allowed: allowed)
  }
}

extension Registry {
  /// The policy names of all issuers of JWTs.
  fileprivate var issuerNames: [String] {
    let all =
      records.issuers.values.map(\.name)
      + records.clusters.values.flatMap { $0.issuers.map(\.name) }
    return Set(all.map(\.description)).sorted()
  }
}
