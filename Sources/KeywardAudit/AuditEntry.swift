/// An event with its place in the log, and the bytes that the Merkle tree hashes.
///
/// The canonical form is JSON: one object, keys in the order of `schema/audit-entry.schema.json`,
/// no white space, no escapes, absent fields left out. It is written by hand because the bytes are
/// hashed: a library's choice of order or spelling must not become part of a proof.
package struct AuditEntry: Equatable, Sendable {
  /// The number of entries before this one.
  package let index: UInt64
  /// What happened.
  package let event: AuditEvent

  /// The most bytes that an entry takes; what ``AuditEvent`` allows stays below it.
  package static let maximumSize = 8000

  /// Gives the event its place in the log.
  package init(index: UInt64, event: AuditEvent) {
    self.index = AuditNumber.clamped(index)
    self.event = event
  }

  /// The canonical bytes, at most ``maximumSize``.
  package func encoded() -> [UInt8] {
    var writer = EntryWriter()
    writer.raw(#"{"v":"#)
    writer.number(event.version)
    writer.raw(#","index":"#)
    writer.number(index)
    writer.raw(#","time":""#)
    AuditTime.append(event.time, to: &writer.bytes)
    writer.raw(#"","request":""#)
    writer.raw(event.request)
    writer.raw(#"","principal":{"kind":""#)
    writer.raw(event.principal.kind.rawValue)
    writer.raw(#"","name":""#)
    writer.raw(event.principal.name)
    writer.raw("\"")
    writer.text(#","issuer":""#, event.principal.issuer)
    writer.text(#","cluster":""#, event.principal.cluster)
    writer.text(#","environment":""#, event.principal.environment)
    writer.claims(event.principal.claims)
    writer.number(#","uid":"#, event.principal.uid.map(UInt64.init))
    writer.number(#","pid":"#, event.principal.pid.map(UInt64.init))
    writer.raw(#"},"source":""#)
    writer.raw(event.source.rawValue)
    writer.raw("\"")
    writer.text(#","address":""#, event.address)
    writer.text(#","token":""#, event.token)
    writer.text(#","approval":""#, event.approval)
    writer.raw(#","operation":""#)
    writer.raw(event.operation)
    writer.raw(#"","resource":""#)
    writer.raw(event.resource)
    writer.raw("\"")
    if let key = event.key {
      writer.raw(#","key":{"id":""#)
      writer.raw(key.id)
      writer.raw("\"")
      writer.number(#","version":"#, key.version)
      writer.text(#","hash":""#, key.hash?.text)
      writer.raw("}")
    }
    writer.text(#","kms_uid":""#, event.kmsUID)
    writer.raw(#","outcome":""#)
    writer.raw(event.outcome.rawValue)
    writer.raw(#"","reason":""#)
    writer.raw(event.reason)
    writer.raw("\"")
    writer.text(#","rule":""#, event.rule)
    if !event.details.isEmpty {
      writer.raw(#","details":["#)
      for (position, detail) in event.details.enumerated() {
        if position > 0 { writer.raw(",") }
        writer.detail(detail)
      }
      writer.raw("]")
    }
    writer.raw("}")
    return writer.bytes
  }
}

/// Appends the pieces of an entry; every text given to it is plain already.
struct EntryWriter {
  var bytes: [UInt8]

  init() {
    bytes = []
    bytes.reserveCapacity(512)
  }

  mutating func raw(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  mutating func number(_ number: UInt64) {
    raw(String(number))
  }

  mutating func number(_ prefix: String, _ number: UInt64?) {
    guard let number else { return }
    raw(prefix)
    self.number(number)
  }

  mutating func claims(_ claims: [AuditPrincipal.Claim]) {
    guard !claims.isEmpty else { return }
    for (position, claim) in claims.enumerated() {
      raw(position == 0 ? #","claims":{""# : #",""#)
      raw(claim.name)
      raw(#"":""#)
      raw(claim.value)
      raw("\"")
    }
    raw("}")
  }

  mutating func text(_ prefix: String, _ text: String?) {
    guard let text else { return }
    raw(prefix)
    raw(text)
    raw("\"")
  }
}
