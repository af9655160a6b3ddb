import KeywardCrypto
import KeywardModel

/// What a request asks for, in the one form of which approvals and idempotency keys keep the digest.
///
/// The record is `keyward-request-v1` and a zero byte, then each of these with its length before it
/// as four bytes in network order: the method; the path; for each query parameter, sorted by name in
/// byte order, its name and its decoded value. A length of `ffffffff` ends the parameters, and the
/// bytes of the body follow to the end. Two requests have one digest exactly when they ask for the
/// same. Headers are no part of it.
enum CanonicalRequest {
  private static let label = Array("keyward-request-v1".utf8) + [0]

  /// The digest of a request; a secret body is hashed in the arena.
  static func digest(
    method: String,
    path: String,
    query: QueryValues,
    json: [UInt8],
    octets: SecretBody?
  ) -> RequestDigest? {
    var record: [UInt8] = []
    record.reserveCapacity(128)
    record += label
    append(method, to: &record)
    append(path, to: &record)
    for (name, value) in query.sorted {
      append(name, to: &record)
      append(value, to: &record)
    }
    record += [0xff, 0xff, 0xff, 0xff]
    guard let octets else { return RequestDigest(Digest.sha256(record, json)) }
    return RequestDigest(Digest.sha256(record, then: octets.bytes))
  }

  private static func append(_ text: String, to record: inout [UInt8]) {
    let count = UInt32(clamping: text.utf8.count)
    for shift in [24, 16, 8, 0] as [UInt32] {
      record.append(UInt8(truncatingIfNeeded: count >> shift))
    }
    record += text.utf8
  }
}
