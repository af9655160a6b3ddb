import CCurl
import Glibc
import KeywardCrypto

/// The answer of one exchange as it comes in; libcurl calls it back on the calling thread.
final class HTTPTransfer {
  private let handle: UnsafeMutableRawPointer
  private let sink: HTTPClientSink
  private var headers: [String: String] = [:]
  private var bytes: [UInt8] = []
  private var secret: SecretBytes?
  private var secretCount = 0
  /// Why the transfer was ended from here.
  private(set) var failure: HTTPClientError?

  /// Problem documents and the like are short.
  private static let errorLimit = 64 << 10

  init(_ handle: UnsafeMutableRawPointer, _ sink: HTTPClientSink) {
    self.handle = handle
    self.sink = sink
  }

  static let bodySink: kw_curl_sink = { bytes, size, count, context in
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    let (total, overflow) = size.multipliedReportingOverflow(by: count)
    guard !overflow else { return 0 }
    return transfer.take(UnsafeRawBufferPointer(start: bytes, count: total)) ? total : 0
  }

  static let headerSink: kw_curl_sink = { bytes, size, count, context in
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    let (total, overflow) = size.multipliedReportingOverflow(by: count)
    guard !overflow else { return 0 }
    transfer.takeHeader(UnsafeRawBufferPointer(start: bytes, count: total))
    return total
  }

  func response() throws(HTTPClientError) -> HTTPClientResponse {
    var box: SecretBox?
    if case .secret = sink, status < 400 {
      do throws(CryptoError) {
        if let gathered = secret.take() {
          box = SecretBox(try SecretBytes(copying: gathered, range: 0..<secretCount))
        } else {
          box = SecretBox(try SecretBytes(count: 0))
        }
      } catch {
        throw .outOfSecureMemory
      }
    }
    return HTTPClientResponse(status: status, headers: headers, bytes: bytes, secret: box)
  }

  private var status: Int { kw_curl_get_number(handle, CURLINFO_RESPONSE_CODE) }

  /// Takes a piece of the body; false ends the transfer.
  private func take(_ piece: UnsafeRawBufferPointer) -> Bool {
    if status >= 400 { return append(piece, limit: Self.errorLimit) }
    switch sink {
    case .bytes(let limit):
      return append(piece, limit: limit)
    case .secret(let limit):
      return appendSecret(piece, limit: limit)
    case .descriptor(let descriptor):
      return write(piece, to: descriptor)
    }
  }

  private func append(_ piece: UnsafeRawBufferPointer, limit: Int) -> Bool {
    guard piece.count <= limit - bytes.count else {
      failure = .tooLarge(limit: limit)
      return false
    }
    bytes.append(contentsOf: piece)
    return true
  }

  private func appendSecret(_ piece: UnsafeRawBufferPointer, limit: Int) -> Bool {
    guard piece.count <= limit - secretCount else {
      failure = .tooLarge(limit: limit)
      return false
    }
    let needed = secretCount + piece.count
    if needed > (secret?.count ?? 0) {
      guard grow(to: min(limit, max(4096, needed * 2))) else {
        failure = .outOfSecureMemory
        return false
      }
    }
    let start = secretCount
    secret?.withUnsafeMutableBytes { target in
      UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: piece)
    }
    secretCount = needed
    return true
  }

  private func grow(to size: Int) -> Bool {
    let used = secretCount
    do throws(CryptoError) {
      var larger = try SecretBytes(count: size)
      if let old = secret.take() {
        larger.withUnsafeMutableBytes { target in
          old.withUnsafeBytes { source in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<used]))
          }
        }
      }
      secret = consume larger
      return true
    } catch {
      return false
    }
  }

  private func write(_ piece: UnsafeRawBufferPointer, to descriptor: CInt) -> Bool {
    var rest = piece[...]
    while !rest.isEmpty {
      let count = Glibc.write(
        descriptor,
        UnsafeRawBufferPointer(rebasing: rest).baseAddress,
        rest.count
      )
      if count < 0 {
        if errno == EINTR { continue }
        failure = .output(reason: String(cString: strerror(errno)))
        return false
      }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Keeps `Name: value`; a status line starts over, since an interim answer may come before.
  private func takeHeader(_ line: UnsafeRawBufferPointer) {
    let text = String(decoding: line, as: UTF8.self)
    guard !text.hasPrefix("HTTP/") else {
      headers = [:]
      return
    }
    guard headers.count < 64, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      return
    }
    let value = text[text.utf8.index(after: colon)...].drop { $0 == " " }
    let end = value.lastIndex { $0 != "\r\n" && $0 != "\n" && $0 != "\r" && $0 != " " }
    headers[text[..<colon].lowercased()] = end.map { String(value[...$0]) } ?? ""
  }
}
