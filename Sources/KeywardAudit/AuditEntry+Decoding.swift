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
    // Which of the two it must be is a question of the canonical form.
    try reader.expect(#"{"v":"#)
    guard reader.take("1") || reader.take("2") else {
      throw reader.refusal("another version of the format")
    }
    index = try reader.number(#","index":"#)
    try reader.expect(#","time":""#)
    let time = try reader.time()
    try reader.expect(#","request":""#)
    let request = try reader.text(.request)
    let principal = try AuditPrincipal(reading: &reader)
    try reader.expect(#","source":""#)
    let source = try reader.value(AuditSource.init)
    let address = reader.take(#","address":""#) ? try reader.text(.attribute) : nil
    let token = reader.take(#","token":""#) ? try reader.text(.attribute) : nil
    let approval = reader.take(#","approval":""#) ? try reader.text(.attribute) : nil
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
      address: address,
      token: token,
      approval: approval,
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
    let issuer = reader.take(#","issuer":""#) ? try reader.text(.attribute) : nil
    let cluster = reader.take(#","cluster":""#) ? try reader.text(.attribute) : nil
    let environment = reader.take(#","environment":""#) ? try reader.text(.attribute) : nil
    let claims = try [Claim](reading: &reader)
    let uid = try reader.optionalID(#","uid":"#)
    let pid = try reader.optionalID(#","pid":"#)
    try reader.expect("}")
    self.init(
      verbatim: name,
      kind: kind,
      issuer: issuer,
      cluster: cluster,
      environment: environment,
      claims: claims,
      uid: uid,
      pid: pid
    )
  }
}

extension [AuditPrincipal.Claim] {
  fileprivate init(reading reader: inout EntryReader) throws(AuditError) {
    self = []
    guard reader.take(#","claims":{""#) else { return }
    repeat {
      guard count < AuditPrincipal.maximumClaims else { throw reader.refusal("too many claims") }
      let name = try reader.text(.attribute)
      guard last.map({ $0.name < name }) ?? true else {
        throw reader.refusal("claims out of order before")
      }
      try reader.expect(#":""#)
      append(AuditPrincipal.Claim(name: name, value: try reader.text(.claim)))
    } while reader.take(#",""#)
    try reader.expect("}")
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
