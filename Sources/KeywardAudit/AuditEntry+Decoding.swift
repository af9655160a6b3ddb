extension AuditEntry {
  /// Reads the canonical bytes of an entry, and nothing else.
  ///
  /// Bytes that mean the same but are not what ``encoded()`` writes are refused, so that an entry
  /// has one spelling and one hash.
  package init(decoding bytes: [UInt8]) throws(AuditError) {
    guard bytes.count <= Self.maximumSize else {
      throw .malformedEntry("longer than \(Self.maximumSize) bytes")
    }
    var reader = EntryReader(bytes)
    let entry = try Self(reading: &reader)
    try reader.end()
    guard entry.encoded() == bytes else { throw .malformedEntry("not the canonical form") }
    self = entry
  }

  private init(reading reader: inout EntryReader) throws(AuditError) {
    index = try reader.number(#"{"v":1,"index":"#)
    try reader.expect(#","time":""#)
    let time = try reader.time()
    try reader.expect(#","request":""#)
    let request = try reader.text(.request)
    let principal = try AuditPrincipal(reading: &reader)
    try reader.expect(#","source":""#)
    let source = try reader.value(AuditSource.init)
    try reader.expect(#","operation":""#)
    let operation = try reader.text(.code)
    try reader.expect(#","resource":""#)
    let resource = try reader.text(.resource)
    let key = try AuditKey?(reading: &reader)
    let kmsUID = reader.take(#","kms_uid":""#) ? try reader.text(.kmsUID) : nil
    try reader.expect(#","outcome":""#)
    let outcome = try reader.value(AuditOutcome.init)
    try reader.expect(#","reason":""#)
    let reason = try reader.text(.code)
    let rule = reader.take(#","rule":""#) ? try reader.text(.rule) : nil
    let details = try [AuditDetail](reading: &reader)
    try reader.expect("}")
    event = AuditEvent(
      verbatim: time,
      request: request,
      principal: principal,
      source: source,
      operation: operation,
      resource: resource,
      key: key,
      kmsUID: kmsUID,
      outcome: outcome,
      reason: reason,
      rule: rule,
      details: details
    )
  }
}

extension AuditPrincipal {
  fileprivate init(reading reader: inout EntryReader) throws(AuditError) {
    try reader.expect(#","principal":{"kind":""#)
    let kind = try reader.value(Kind.init)
    try reader.expect(#","name":""#)
    let name = try reader.text(.principal)
    let uid = try reader.optionalID(#","uid":"#)
    let pid = try reader.optionalID(#","pid":"#)
    try reader.expect("}")
    self.init(verbatim: name, kind: kind, uid: uid, pid: pid)
  }
}

extension AuditKey? {
  fileprivate init(reading reader: inout EntryReader) throws(AuditError) {
    guard reader.take(#","key":{"id":""#) else {
      self = nil
      return
    }
    let id = try reader.text(.keyID)
    let version = reader.take(#","version":"#) ? try reader.number() : nil
    let hash = reader.take(#","hash":""#) ? try reader.value(KeyIDHash.init(parsing:)) : nil
    try reader.expect("}")
    self = AuditKey(verbatim: id, version: version, hash: hash)
  }
}

extension [AuditDetail] {
  fileprivate init(reading reader: inout EntryReader) throws(AuditError) {
    self = []
    guard reader.take(#","details":["#) else { return }
    repeat {
      guard count < AuditEvent.maximumDetails else { throw reader.refusal("too many details") }
      append(try reader.detail())
    } while reader.take(",")
    try reader.expect("]")
  }
}
