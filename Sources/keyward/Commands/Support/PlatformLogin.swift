import Glibc
import KeywardCrypto
import KeywardHTTPClient
import KeywardModel
import KeywardPipeline
import KeywardSystem

/// The credential that the platform of a job has for it, found without an option.
///
/// A JWT is shown with the request itself: nothing is stored, here or on the server. `-v` says what was
/// looked at and what was done.
enum PlatformLogin {
  /// Where a platform that signs by a private authority is asked for tokens.
  private static let authorities = "KEYWARD_OIDC_CACERT"
  private static let longestToken = 64 << 10

  /// Nil where nothing is found; a platform that answers wrongly is a failure.
  static func credential(
    for server: String,
    say: (String) -> Void
  ) throws -> BearerCredential? {
    let environment = ProcessEnvironment.all
    let named = environment["KEYWARD_AUDIENCE"].flatMap { $0.isEmpty ? nil : $0 }
    let found = PlatformCredential.find(
      in: environment,
      audience: named ?? PlatformCredential.audience(authority: server),
      exists: { access($0, F_OK) == 0 }
    )
    found.steps.forEach(say)
    let text: String
    switch found.source {
    case .none:
      if let platform = found.platform, let hint = found.hint {
        say("\(platform) gives this job no token. \(hint)")
      }
      return nil
    case .variable(let name):
      text = environment[name] ?? ""
      say("using the JWT of \(name), for this request alone")
    case .file(let path):
      text = try read(path)
      say("using the JWT of \(path), for this request alone")
    case .request(let request):
      text = try ask(request, environment)
      say("using the JWT that the platform made, for this request alone")
    }
    guard let credential = BearerCredential(trimmed(text)) else {
      throw CommandFailure(
        .usage,
        "What \(found.platform ?? "the platform") gave as a token is none.",
        remedy: "Look with -v at where it comes from."
      )
    }
    return credential
  }

  private static func trimmed(_ text: String) -> Substring {
    var rest = text[...]
    while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
    return rest.drop(while: \.isWhitespace)
  }

  private static func read(_ path: String) throws -> String {
    let file = try FileDescriptor.open(path, O_RDONLY)
    let bytes = try SecretFile.read(descriptor: file.rawValue, limit: longestToken)
    return String(decoding: bytes.revealed(), as: UTF8.self)
  }

  private static func ask(
    _ request: PlatformCredential.TokenRequest,
    _ environment: [String: String]
  ) throws -> String {
    guard let url = HTTPSURL(request.url) else {
      throw CommandFailure(
        .usage,
        "The address at which the platform is to be asked for a token is no https URL."
      )
    }
    var files = TLSFiles()
    files.authorities = environment[authorities].flatMap { $0.isEmpty ? nil : $0 }
    do throws(HTTPClientError) {
      let client = try HTTPClient(.https(authority: url.authority, files))
      var message = HTTPClientRequest(request.method == .get ? .get : .post, url.target)
      message.headers = [
        ("Authorization", "Bearer \(environment[request.bearerVariable] ?? "")"),
        ("Accept", "application/json"), ("Content-Type", "application/json"),
      ]
      message.timeout = 15_000
      let response = try client.send(message, to: .bytes(limit: longestToken))
      guard response.status == 200,
        let object = try? StrictJSON.object(response.bytes),
        let token = object[request.member]?.text
      else {
        throw HTTPClientError.failed(reason: "status \(response.status)")
      }
      return token
    } catch {
      throw CommandFailure(
        .unreachable,
        "The platform gave no token: \(url.authority) \(words(error)).",
        remedy: "Look with -v at what is asked for."
      )
    }
  }

  private static func words(_ error: HTTPClientError) -> String {
    switch error {
    case .unreachable: "cannot be reached"
    case .untrusted: "is not trusted; name its authority with \(authorities)"
    case .timedOut: "did not answer in time"
    case .failed(let reason): "answered with \(reason)"
    default: "gave no answer that is understood"
    }
  }
}
