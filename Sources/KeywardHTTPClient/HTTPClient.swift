import CCurl
import Glibc
import KeywardCrypto

/// One connection to one server through libcurl, kept open between exchanges.
///
/// No redirects, no proxies, no cookies, no `.netrc`, and no way to turn the verification of
/// certificates off: there is no parameter for it. Blocks the calling thread; not for several
/// threads at once.
package final class HTTPClient {
  private let endpoint: HTTPEndpoint
  private let handle: UnsafeMutableRawPointer
  /// Where libcurl writes what exactly went wrong.
  private let words = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  /// Whether a body that goes out once has begun to: on a kept connection, after whose death libcurl
  /// fails at connecting anew rather than at sending.
  private var hasBegunToSend = false

  private static let isPrepared: Bool = kw_curl_prepare() == CURLE_OK

  package init(_ endpoint: HTTPEndpoint) throws(HTTPClientError) {
    guard Self.isPrepared, let handle = curl_easy_init() else {
      throw .failed(reason: "libcurl cannot be initialized")
    }
    self.endpoint = endpoint
    self.handle = handle
  }

  deinit {
    curl_easy_cleanup(handle)
    words.deallocate()
  }

  /// Sends a request and waits for the whole answer.
  package func send(
    _ request: HTTPClientRequest,
    to sink: HTTPClientSink = .bytes(limit: 4 << 20)
  ) throws(HTTPClientError) -> HTTPClientResponse {
    let transfer = HTTPTransfer(handle, sink)
    curl_easy_reset(handle)
    let headers = try HeaderList(request)
    try setFixedOptions()
    try setEndpoint(request.target)
    try setTimes(request.timeout, sink)
    // Without a body there is nothing that libcurl could not send again on a new connection.
    if request.isSentOnce, !request.hasBody { try set(CURLOPT_FRESH_CONNECT, 1) }
    words.pointee = 0
    hasBegunToSend = false
    try check(kw_curl_set_error_buffer(handle, words))
    try check(kw_curl_set_list(handle, CURLOPT_HTTPHEADER, headers.first))
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    try check(kw_curl_set_body_sink(handle, HTTPTransfer.bodySink, context))
    try check(kw_curl_set_header_sink(handle, HTTPTransfer.headerSink, context))
    let code = withExtendedLifetime((headers, transfer)) { perform(request) }
    if let failure = transfer.failure { throw failure }
    guard code == CURLE_OK else { throw failure(code) }
    return try transfer.response()
  }

  /// Runs the transfer while the bytes of the body hold still.
  private func perform(_ request: HTTPClientRequest) -> CURLcode {
    if request.method != .get, request.method != .post {
      let code = kw_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
      guard code == CURLE_OK else { return code }
    }
    guard request.method.sendsBody else { return curl_easy_perform(handle) }
    switch request.body {
    case .none:
      return post(UnsafeRawBufferPointer(start: nil, count: 0))
    case .bytes(let bytes, _):
      return bytes.withUnsafeBytes { request.isSentOnce ? postOnce($0) : post($0) }
    case .secret(let secret), .typedSecret(let secret, _):
      return secret.bytes.withUnsafeBytes { request.isSentOnce ? postOnce($0) : post($0) }
    }
  }

  private func post(_ bytes: UnsafeRawBufferPointer) -> CURLcode {
    var empty: UInt8 = 0
    return withUnsafePointer(to: &empty) { placeholder in
      // A null pointer would make libcurl read the body from standard input.
      let start = bytes.baseAddress ?? UnsafeRawPointer(placeholder)
      let code = kw_curl_set_body(handle, start, curl_off_t(bytes.count))
      guard code == CURLE_OK else { return code }
      return curl_easy_perform(handle)
    }
  }

  /// Sends a body that libcurl cannot send a second time, however the connection ends.
  private func postOnce(_ bytes: UnsafeRawBufferPointer) -> CURLcode {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return post(bytes) }
    var body = kw_curl_once(
      bytes: start.assumingMemoryBound(to: CChar.self),
      left: bytes.count
    )
    return withUnsafeMutablePointer(to: &body) { body in
      let code = kw_curl_set_body_once(handle, body)
      guard code == CURLE_OK else { return code }
      defer { hasBegunToSend = body.pointee.left < bytes.count }
      return curl_easy_perform(handle)
    }
  }

  private func setFixedOptions() throws(HTTPClientError) {
    try set(CURLOPT_NOSIGNAL, 1)
    try set(CURLOPT_FOLLOWLOCATION, 0)
    try set(CURLOPT_SSL_VERIFYPEER, 1)
    try set(CURLOPT_SSL_VERIFYHOST, 2)
    try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    try set(CURLOPT_NETRC, 0)
    try set(CURLOPT_PROXY, "")
    try set(CURLOPT_NOPROXY, "*")
    try set(CURLOPT_USERAGENT, "keyward")
    try set(CURLOPT_CONNECTTIMEOUT_MS, 10_000)
    // Servers close what is idle, mostly after a minute: an older one may be about to die.
    try set(CURLOPT_MAXAGE_CONN, 20)
  }

  private func setEndpoint(_ target: String) throws(HTTPClientError) {
    try set(CURLOPT_URL, endpoint.origin + target)
    switch endpoint {
    case .unix(let path):
      try set(CURLOPT_PROTOCOLS_STR, "http")
      try set(CURLOPT_UNIX_SOCKET_PATH, path)
    case .abstract(let name):
      try set(CURLOPT_PROTOCOLS_STR, "http")
      try set(CURLOPT_ABSTRACT_UNIX_SOCKET, name)
    case .https(_, let files):
      try set(CURLOPT_PROTOCOLS_STR, "https")
      try setFiles(files)
    }
    // The server refuses other spellings of a path; libcurl must not repair ours.
    try set(CURLOPT_PATH_AS_IS, 1)
  }

  private func setFiles(_ files: TLSFiles) throws(HTTPClientError) {
    if let text = files.authorityText {
      let bytes = Array(text.utf8)
      try check(kw_curl_set_blob(handle, CURLOPT_CAINFO_BLOB, bytes, bytes.count))
      try check(kw_curl_set_text(handle, CURLOPT_CAPATH, nil))
    } else if let authorities = files.authorities {
      try set(CURLOPT_CAINFO, authorities)
      // Else every authority of the system could vouch for the server beside the one that was named.
      try check(kw_curl_set_text(handle, CURLOPT_CAPATH, nil))
    }
    if let certificate = files.certificate { try set(CURLOPT_SSLCERT, certificate) }
    if let key = files.key { try set(CURLOPT_SSLKEY, key) }
  }

  private func setTimes(_ timeout: Int, _ sink: HTTPClientSink) throws(HTTPClientError) {
    if case .descriptor = sink {
      try set(CURLOPT_LOW_SPEED_LIMIT, 1)
      try set(CURLOPT_LOW_SPEED_TIME, max(1, timeout / 1000))
    } else {
      try set(CURLOPT_TIMEOUT_MS, timeout)
    }
  }

  private func set(_ option: CURLoption, _ value: Int) throws(HTTPClientError) {
    try check(kw_curl_set_number(handle, option, value))
  }

  private func set(_ option: CURLoption, _ value: String) throws(HTTPClientError) {
    try check(kw_curl_set_text(handle, option, value))
  }

  private func check(_ code: CURLcode) throws(HTTPClientError) {
    guard code == CURLE_OK else {
      throw .failed(reason: String(cString: curl_easy_strerror(code)))
    }
  }

  private func failure(_ code: CURLcode) -> HTTPClientError {
    let number = CInt(truncatingIfNeeded: kw_curl_get_number(handle, CURLINFO_OS_ERRNO))
    let words =
      number != 0
      ? String(cString: strerror(number)) : String(cString: curl_easy_strerror(code))
    switch code {
    case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST:
      return hasBegunToSend ? .interrupted(reason: words) : .unreachable(reason: words)
    case CURLE_OPERATION_TIMEDOUT:
      return .timedOut
    case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING,
      CURLE_SEND_FAIL_REWIND:
      return .interrupted(reason: words)
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER:
      let exact = String(cString: self.words)
      let reason = exact.isEmpty ? String(cString: curl_easy_strerror(code)) : exact
      return hasBegunToSend ? .interrupted(reason: reason) : .untrusted(reason: reason)
    default:
      return .failed(reason: String(cString: curl_easy_strerror(code)))
    }
  }
}

/// The request's headers as libcurl's list.
private final class HeaderList {
  private(set) var first: UnsafeMutablePointer<curl_slist>?

  /// Refuses what would end a header before its end: the next words would be headers, or a request,
  /// of whoever wrote the value.
  init(_ request: HTTPClientRequest) throws(HTTPClientError) {
    for (name, value) in request.headers { try Self.check(name, Array(value.utf8)) }
    for (name, value) in request.secretHeaders {
      let isFit = value.bytes.withUnsafeBytes { $0.allSatisfy(Self.isFit) }
      guard isFit else { throw Self.unfit(name) }
      try Self.check(name, [])
    }
    switch request.body {
    case .none, .secret: break
    case .bytes(_, let type), .typedSecret(_, let type):
      try Self.check("Content-Type", Array(type.utf8))
    }
    for (name, value) in request.headers { append("\(name): \(value)") }
    for (name, value) in request.secretHeaders { append(name, value) }
    switch request.body {
    case .none: if request.method.sendsBody { append("Content-Type:") }
    case .bytes(_, let contentType), .typedSecret(_, let contentType):
      append("Content-Type: \(contentType)")
    case .secret: append("Content-Type: application/octet-stream")
    }
    // The server answers early or takes the body: waiting for leave only costs a round trip.
    append("Expect:")
  }

  deinit { curl_slist_free_all(first) }

  private static func check(_ name: String, _ value: [UInt8]) throws(HTTPClientError) {
    // Field names are tokens (RFC 9110 §5.6.2).
    let isToken =
      !name.isEmpty
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122, 45, 95: true
        default: false
        }
      }
    guard isToken, value.allSatisfy(isFit) else { throw unfit(name) }
  }

  private static func isFit(_ byte: UInt8) -> Bool { byte == 9 || byte >= 0x20 && byte != 0x7f }

  private static func unfit(_ name: String) -> HTTPClientError {
    let kept = name.utf8.filter { (0x21...0x7e).contains($0) }.prefix(64)
    let shown = String(decoding: kept, as: UTF8.self)
    return .failed(reason: "the header \(shown) has a byte that no header may have")
  }

  private func append(_ line: String) {
    if let longer = curl_slist_append(first, line) { first = longer }
  }

  /// Composes the line where it is wiped; libcurl's copy is wiped when the list is freed.
  private func append(_ name: String, _ value: SecretBox) {
    let start = Array("\(name): ".utf8)
    let count = start.count + value.bytes.count + 1
    let line = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer {
      if let start = line.baseAddress { explicit_bzero(start, count) }
      line.deallocate()
    }
    line.copyBytes(from: start)
    value.bytes.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(rebasing: line[start.count...]).copyMemory(from: bytes)
    }
    line[count - 1] = 0
    guard let text = line.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
    if let longer = curl_slist_append(first, text) { first = longer }
  }
}
