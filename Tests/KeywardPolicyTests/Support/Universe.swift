import KeywardModel
import KeywardPolicy

/// Every request of a small universe in which random policies of some features differ, spelled out.
///
/// For each property: the values that `RandomPolicy` writes into rules, values that it does not, and
/// their absence.
struct Universe {
  let requests: [PolicyRequest]

  init(_ features: RandomPolicy.Features) {
    var principals: [Principal] = []
    let names = features.contains(.names) ? ["x", "a", "a/b", "a/x", "f", "f/x", "a/f/f"] : ["x"]
    let environments: [String?] = features.contains(.environments) ? [nil, "x", "t", "fe"] : [nil]
    let claims: [[String: String]] =
      features.contains(.claims)
      ? [[:], ["c": "x"], ["c": "1"], ["c": "fc"], ["c": "fk"], ["c": "keys"]] : [[:]]
    // With templates, texts of different attributes and literals can be the same.
    let hasTemplates = features.contains(.templates)
    let clusters: [String?] = [nil, "x", "y", "fk"] + (hasTemplates ? ["keys", "corp"] : [])
    let issuers = ["corp", "ci", "fi"] + (hasTemplates ? ["x"] : [])
    let kinds: [Principal.Kind] =
      features.contains(.kinds) ? [.jwt, .certificate, .kmsSocket] : [.jwt]
    func add(_ kind: Principal.Kind, _ issuer: String) {
      for name in names {
        for cluster in clusters {
          for environment in environments {
            for claim in claims {
              principals.append(
                Principal(
                  kind: kind,
                  issuer: issuer,
                  name: name,
                  cluster: cluster,
                  environment: environment,
                  claims: claim
                )
              )
            }
          }
        }
      }
    }
    for kind in kinds {
      for issuer in issuers { add(kind, issuer) }
    }
    if features.contains(.kinds) {
      add(.token, "tokens")
      add(.machineRole, "roles")
    }
    for uid in [UInt32(0), 7, 8] {
      principals.append(Principal(kind: .unixPeer, name: "uid:\(uid)", uid: uid))
    }
    for name in Set(["x", "y", "keys", "x/y", "f"] + names).sorted() {
      for cluster in clusters {
        for environment in environments {
          principals.append(
            Principal(kind: .kmsSocket, name: name, cluster: cluster, environment: environment)
          )
        }
      }
    }
    let alphabet =
      ["keys", "x", "y", "fs"]
      + (features.contains(.templates) ? ["fk", "corp", "ci", "fi", "unix", "kms"] : [])
      + (features.contains(.environments) ? ["t", "fe"] : [])
      + (features.contains(.claims) ? ["1", "fc"] : [])
      + (features.contains(.names) ? ["a", "f"] : [])
    var paths = alphabet + ["self"]
    for first in alphabet {
      for second in alphabet { paths.append(first + "/" + second) }
    }
    // Patterns have at most two segments before "**", so a third can be any.
    paths += paths.filter { $0.contains("/") }.map { $0 + "/fs" }
    // Thursday, Friday, Monday and another day, before and after each moment of `RandomPolicy`.
    let times: [Int64] =
      features.contains(.times)
      ? [0, 1, 4, 5, 7, 11, 12, 14, 15].flatMap { day in
        [0, 60_000].map { Int64(day) * 86_400_000 + $0 }
      } : [0]
    let sources =
      features.contains(.sources)
      ? [nil, "10.1.2.3", "10.1.0.0", "10.2.0.0", "11.0.0.0", "2001:db8::1", "2001:db9::1"] : [nil]
    var requests: [PolicyRequest] = []
    for principal in principals {
      for operation in RandomPolicy.operations + [.auditRead, .keySign, .selfRead] {
        for path in operation == .selfRead ? ["self", "keys"] : paths {
          guard let resource = ResourcePath(path) else { continue }
          for time in times {
            for source in sources {
              requests.append(
                PolicyRequest(
                  principal: principal,
                  operation: operation,
                  resource: resource,
                  time: Timestamp(milliseconds: time),
                  source: source.flatMap { NetworkAddress($0) }
                )
              )
            }
          }
        }
      }
    }
    self.requests = requests
  }
}
