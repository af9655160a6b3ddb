package import KeywardCrypto
package import KeywardModel

/// The name, secret and, when they are temporary, token of an AWS identity.
package struct AWSCredentials: Sendable {
  package let accessKeyID: String
  package let secretKey: SecretBox
  /// Of AWS STS; it is sent in a signed header, and never shown.
  package let sessionToken: SecretBox?

  package init(accessKeyID: String, secretKey: SecretBox, sessionToken: SecretBox? = nil) {
    self.accessKeyID = accessKeyID
    self.secretKey = secretKey
    self.sessionToken = sessionToken
  }
}

/// Signs requests with AWS Signature Version 4, in headers.
///
/// Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request". The
/// path is normalized and encoded once more than it is sent, as all services but S3 expect.
package struct SigV4: Sendable {
  package let credentials: AWSCredentials
  package let region: String
  package let service: String

  package init(_ credentials: AWSCredentials, region: String, service: String) {
    self.credentials = credentials
    self.region = region
    self.service = service
  }

  /// What is signed.
  package struct Request: Sendable {
    package var method: String
    /// As it is sent; what is not encoded there is encoded for the signature.
    package var path: String
    /// Without the question mark.
    package var query: String
    /// With `host`; one name may come several times.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(
      _ method: String,
      _ path: String,
      query: String = "",
      headers: [(name: String, value: String)],
      body: [UInt8] = []
    ) {
      self.method = method
      self.path = path
      self.query = query
      self.headers = headers
      self.body = body
    }
  }

  /// What is added to a request that is signed.
  package struct Signature: Sendable {
    /// `X-Amz-Date` and `Authorization`.
    package let headers: [(name: String, value: String)]
    /// `X-Amz-Security-Token`, which is signed too and stays in the arena.
    package let token: (name: String, value: SecretBox)?
  }

  /// Signs `request`; the service takes the signature within 5 minutes of `moment`.
  package func sign(
    _ request: Request,
    at moment: Timestamp
  ) throws(CryptoError) -> Signature {
    let time = Self.time(moment)
    let date = (name: "X-Amz-Date", value: time)
    let token = credentials.sessionToken.map { (name: "X-Amz-Security-Token", value: $0) }
    let signed = CanonicalHeaders(request.headers + [date], token)
    let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
    let canonical = try canonicalDigest(request, signed)
    let words = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(Self.hex(canonical))"
    let signature = try signingKey(String(time.prefix(8))).authenticate(Array(words.utf8))
    let authorization =
      "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
      + "SignedHeaders=\(signed.names), Signature=\(Self.hex(signature))"
    return Signature(headers: [date, ("Authorization", authorization)], token: token)
  }

  /// SHA-256 of the canonical request, which is put together in the arena: a token is part of it.
  private func canonicalDigest(
    _ request: Request,
    _ headers: CanonicalHeaders
  ) throws(CryptoError) -> [UInt8] {
    var text = try SecretWriter(capacity: 4096)
    let start = [
      request.method, CanonicalURI.path(request.path), CanonicalURI.query(request.query), "",
    ]
    try text.append(Array(start.joined(separator: "\n").utf8))
    for (name, value) in headers.lines {
      try text.append(Array("\(name):".utf8))
      switch value {
      case .plain(let value): try text.append(Array(value.utf8))
      case .secret(let box): try text.append(box.bytes)
      }
      try text.append("\n")
    }
    let end = ["", headers.names, Self.hex(Digest.sha256(request.body))]
    try text.append(Array(end.joined(separator: "\n").utf8))
    return Digest.sha256([], then: try text.finish())
  }

  /// The key of a day, a region and a service, derived within the arena.
  private func signingKey(_ day: String) throws(CryptoError) -> HMACKey {
    let prefix = Array("AWS4".utf8)
    var first = try SecretBytes(count: prefix.count + credentials.secretKey.bytes.count)
    first.withUnsafeMutableBytes { target in
      target.copyBytes(from: prefix)
      credentials.secretKey.bytes.withUnsafeBytes { source in
        UnsafeMutableRawBufferPointer(rebasing: target[prefix.count...]).copyMemory(from: source)
      }
    }
    var key = try HMACKey(.sha256, key: first)
    for part in [day, region, service, "aws4_request"] {
      key = try HMACKey(.sha256, key: key.derive(Array(part.utf8)))
    }
    return key
  }

  /// A moment as `20150830T123600Z`.
  static func time(_ moment: Timestamp) -> String {
    moment.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
  }

  static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Headers as they are signed: by name, in lower case, with single spaces.
private struct CanonicalHeaders {
  enum Value {
    case plain(String)
    case secret(SecretBox)
  }

  let lines: [(name: String, value: Value)]
  let names: String

  /// Headers that proxies and libraries change on their way are not signed.
  private static let unsigned: Set<String> = [
    "authorization", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id",
  ]

  init(
    _ headers: [(name: String, value: String)],
    _ token: (name: String, value: SecretBox)?
  ) {
    var values: [String: [String]] = [:]
    for (name, value) in headers where !Self.unsigned.contains(name.lowercased()) {
      let words = value.split(whereSeparator: \.isWhitespace)
      values[name.lowercased(), default: []].append(words.joined(separator: " "))
    }
    var lines = values.map { (name: $0.key, value: Value.plain($0.value.joined(separator: ","))) }
    if let token { lines.append((token.name.lowercased(), .secret(token.value))) }
    self.lines = lines.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    names = self.lines.map(\.name).joined(separator: ";")
  }
}
