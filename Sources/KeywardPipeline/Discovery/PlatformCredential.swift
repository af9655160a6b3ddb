/// Where a credential comes from that nobody gave as an option, and what was looked at on the way.
///
/// A decision by the environment alone: it reads no file and asks nobody, so that every case is a row
/// of a table. docs/pipelines/README.md has the order.
package struct PlatformCredential: Equatable, Sendable {
  package enum Source: Equatable, Sendable {
    /// A JWT in a variable.
    case variable(String)
    /// A JWT in a file of the platform.
    case file(String)
    /// A JWT that the platform makes when it is asked.
    case request(TokenRequest)
    /// Nothing was found.
    case none
  }

  /// How a platform is asked for a JWT.
  package struct TokenRequest: Equatable, Sendable {
    package enum Method: Equatable, Sendable {
      case get
      case post
    }

    package let method: Method
    package let url: String
    /// The variable with the bearer that the platform wants to see.
    package let bearerVariable: String
    /// The member of the JSON answer that has the JWT.
    package let member: String
  }

  /// As people call it.
  package let platform: String?
  package let source: Source
  /// Each thing that was looked at, in order, for `-v`; no value of a secret variable is in it.
  package let steps: [String]
  /// What to do when there is nothing, on a platform that could have something.
  package let hint: String?

  /// The file of a projected token in a pod, by the convention of docs/pipelines/kubernetes.md.
  package static let projectedToken = "/var/run/secrets/keyward/token"

  /// Looks at variables, in a fixed order; `exists` tells whether there is a file.
  ///
  /// `audience` is what a token is asked for where the platform lets it be chosen.
  package static func find(
    in environment: [String: String],
    audience: String,
    exists: (String) -> Bool
  ) -> PlatformCredential {
    var search = Search(environment: environment)
    let source = search.source(audience: audience, exists: exists)
    return PlatformCredential(
      platform: search.platform,
      source: source,
      steps: search.steps,
      hint: source == .none ? search.hint : nil
    )
  }

  /// The audience by convention: the server's URL without its port, as the recipes register it.
  package static func audience(authority: String) -> String {
    var host = Substring(authority)
    if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") { host = host[..<colon] }
    return "https://\(host)"
  }
}

private struct Search {
  let environment: [String: String]
  var steps: [String] = []
  private(set) var platform: String?

  init(environment: [String: String]) {
    self.environment = environment
    let marks = [
      ("GITLAB_CI", "GitLab CI"), ("GITHUB_ACTIONS", "GitHub Actions"),
      ("TF_BUILD", "Azure Pipelines"), ("JENKINS_URL", "Jenkins"),
      ("KUBERNETES_SERVICE_HOST", "Kubernetes"),
    ]
    for (variable, name) in marks where has(variable) {
      steps.append("\(variable) is set: this is \(name)")
      platform = name
      break
    }
    if platform == nil { steps.append("no variable of a known platform is set") }
  }

  private func has(_ variable: String) -> Bool {
    !(environment[variable] ?? "").isEmpty
  }

  private mutating func looks(at variable: String) -> Bool {
    let isThere = has(variable)
    steps.append("\(variable) is \(isThere ? "set" : "not set")")
    return isThere
  }

  mutating func source(
    audience: String,
    exists: (String) -> Bool
  ) -> PlatformCredential.Source {
    if looks(at: "KEYWARD_ID_TOKEN") { return .variable("KEYWARD_ID_TOKEN") }
    if looks(at: "KEYWARD_ID_TOKEN_FILE"), let path = environment["KEYWARD_ID_TOKEN_FILE"] {
      return .file(path)
    }
    if looks(at: "ACTIONS_ID_TOKEN_REQUEST_URL"), looks(at: "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
      let url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
    {
      steps.append("asking for a token for the audience \(audience)")
      return .request(
        .init(
          method: .get,
          url: Self.adding("audience", audience, to: url),
          bearerVariable: "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
          member: "value"
        )
      )
    }
    if looks(at: "SYSTEM_OIDCREQUESTURI"), looks(at: "SYSTEM_ACCESSTOKEN"),
      let base = environment["SYSTEM_OIDCREQUESTURI"]
    {
      var url = Self.adding("api-version", "7.1", to: base)
      if let connection = environment["KEYWARD_AZURE_SERVICE_CONNECTION"], !connection.isEmpty {
        steps.append("asking for the token of the service connection")
        url = Self.adding("serviceConnectionId", connection, to: url)
      }
      return .request(
        .init(
          method: .post,
          url: url,
          bearerVariable: "SYSTEM_ACCESSTOKEN",
          member: "oidcToken"
        )
      )
    }
    let path = PlatformCredential.projectedToken
    let isThere = exists(path)
    steps.append("\(path) is \(isThere ? "there" : "not there")")
    return isThere ? .file(path) : .none
  }

  /// What the platform needs to be told, so that its jobs get tokens.
  var hint: String? {
    switch platform {
    case "GitLab CI":
      "Give the job a token: id_tokens: {KEYWARD_ID_TOKEN: {aud: https://…}} in .gitlab-ci.yml."
    case "GitHub Actions":
      "Let the job ask for tokens: permissions: {id-token: write} in the workflow."
    case "Azure Pipelines":
      "Map the job's token: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)} at the step."
    case "Jenkins":
      "Bind an OpenID Connect id token: withCredentials, variable KEYWARD_ID_TOKEN_FILE."
    case "Kubernetes":
      "Mount a projected token with Keyward's audience at \(PlatformCredential.projectedToken)."
    default: nil
    }
  }

  private static func adding(_ name: String, _ value: String, to url: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var text = url.utf8.contains(0x3f) ? url + "&" : url + "?"
    text += name + "="
    for byte in value.utf8 {
      if ValueForm.isWord(byte) || byte == 0x2d || byte == 0x2e {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text +=
          "%" + String(decoding: [digits[Int(byte >> 4)], digits[Int(byte & 15)]], as: UTF8.self)
      }
    }
    return text
  }
}
