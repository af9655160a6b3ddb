// The JSON of details: `{"kind":"...", fields in a fixed order}`.

extension EntryWriter {
  mutating func detail(_ detail: AuditDetail) {
    switch detail {
    case .state(let from, let to):
      raw(#"{"kind":"state""#)
      text(#","from":""#, from?.rawValue)
      text(#","to":""#, to.rawValue)
      raw("}")
    case .seal(let seal):
      named("seal", "seal", seal.rawValue)
    case .attribute(let attribute):
      named("attribute", "attribute", attribute.rawValue)
    case .share(let index):
      numbers("share", ("index", index))
    case .shares(let set, let indices):
      raw(#"{"kind":"shares""#)
      text(#","set":""#, set.text)
      raw(#","indices":["#)
      for (place, index) in indices.values.enumerated() {
        if place > 0 { raw(",") }
        number(index)
      }
      raw("]}")
    case .approvalRule(let name): named("approval_rule", "rule", name.text)
    case .quorum(let threshold, let total):
      numbers("quorum", ("threshold", threshold), ("total", total))
    case .count(let count):
      numbers("count", ("count", count))
    case .size(let bytes):
      numbers("size", ("bytes", bytes))
    case .versions(let from, let to):
      numbers("versions", ("from", from), ("to", to))
    case .secret(let version, let depth):
      numbers("secret", ("version", version), ("depth", depth))
    case .term(let term):
      numbers("term", ("term", term))
    case .dropped(let count):
      numbers("dropped", ("count", count))
    case .entries(let from, let to):
      numbers("entries", ("from", from), ("to", to))
    case .counters(let anchor, let database):
      numbers("counters", ("anchor", anchor), ("database", database))
    case .export(let id): named("export", "export", id.text)
    case .destination(let name): named("destination", "destination", name.text)
    case .blob(let digest): named("blob", "sha256", digest.text)
    case .exportState(let state): named("export_state", "state", state.text)
    case .wrapping(let algorithm, let key):
      raw(#"{"kind":"wrapping""#)
      text(#","algorithm":""#, algorithm.text)
      text(#","key_sha256":""#, key.text)
      raw("}")
    case .copy(let key, let material):
      raw(#"{"kind":"copy""#)
      text(#","key":""#, key.text)
      text(#","material":""#, material?.text)
      raw("}")
    case .due(let time):
      moment("due", time)
    case .opened(let time):
      moment("opened", time)
    case .bundle(let digest, let journal):
      raw(#"{"kind":"bundle""#)
      text(#","sha256":""#, digest.text)
      text(#","journal":""#, journal.rawValue)
      raw("}")
    }
  }

  private mutating func moment(_ kind: String, _ time: UInt64) {
    raw(#"{"kind":""# + kind + #"","time":""#)
    AuditTime.append(time, to: &bytes)
    raw(#""}"#)
  }

  private mutating func named(_ kind: String, _ field: String, _ value: String) {
    raw(#"{"kind":""# + kind + #"",""# + field + #"":""# + value + #""}"#)
  }

  private mutating func numbers(_ kind: String, _ fields: (String, UInt64)...) {
    raw(#"{"kind":""# + kind + "\"")
    for (name, value) in fields {
      raw(",\"" + name + "\":")
      number(AuditNumber.clamped(value))
    }
    raw("}")
  }
}

extension EntryReader {
  mutating func detail() throws(AuditError) -> AuditDetail {
    try expect(#"{"kind":""#)
    let kind = try word()
    let detail = try fields(of: kind)
    try expect("}")
    return detail
  }

  private mutating func indices() throws(AuditError) -> AuditIndices {
    try expect(#","indices":["#)
    var values: [UInt64] = []
    while !take("]") {
      if !values.isEmpty { try expect(",") }
      guard values.count < AuditIndices.most else { throw refusal("too many indices") }
      values.append(try number())
    }
    return AuditIndices(values)
  }

  private mutating func fields(of kind: String) throws(AuditError) -> AuditDetail {
    switch kind {
    case "state":
      var from: AuditState?
      if take(#","from":""#) { from = try value(AuditState.init) }
      try expect(#","to":""#)
      return .state(from: from, to: try value(AuditState.init))
    case "seal":
      try expect(#","seal":""#)
      return .seal(try value(AuditSeal.init))
    case "attribute":
      try expect(#","attribute":""#)
      return .attribute(try value(AuditAttribute.init))
    case "share":
      return .share(index: try number(#","index":"#))
    case "shares":
      try expect(#","set":""#)
      let set = AuditWord(try text(.code))
      return .shares(set: set, indices: try indices())
    case "approval_rule":
      try expect(#","rule":""#)
      return .approvalRule(AuditWord(try text(.code)))
    case "quorum":
      return .quorum(threshold: try number(#","threshold":"#), total: try number(#","total":"#))
    case "count":
      return .count(try number(#","count":"#))
    case "size":
      return .size(try number(#","bytes":"#))
    case "versions":
      return .versions(from: try number(#","from":"#), to: try number(#","to":"#))
    case "secret":
      return .secret(version: try number(#","version":"#), depth: try number(#","depth":"#))
    case "term":
      return .term(try number(#","term":"#))
    case "dropped":
      return .dropped(try number(#","count":"#))
    case "entries":
      return .entries(from: try number(#","from":"#), to: try number(#","to":"#))
    case "counters":
      return .counters(anchor: try number(#","anchor":"#), database: try number(#","database":"#))
    case "export":
      try expect(#","export":""#)
      return .export(AuditWord(try text(.code)))
    case "destination":
      try expect(#","destination":""#)
      return .destination(AuditWord(try text(.code)))
    case "blob":
      try expect(#","sha256":""#)
      return .blob(try value(AuditDigest.init(text:)))
    case "export_state":
      try expect(#","state":""#)
      return .exportState(AuditWord(try text(.code)))
    case "wrapping":
      try expect(#","algorithm":""#)
      let algorithm = AuditWord(try text(.code))
      try expect(#","key_sha256":""#)
      return .wrapping(algorithm: algorithm, key: try value(AuditDigest.init(text:)))
    case "copy":
      try expect(#","key":""#)
      let key = AuditName(escaped: try text(.principal))
      var material: AuditName?
      if take(#","material":""#) { material = AuditName(escaped: try text(.principal)) }
      return .copy(key: key, material: material)
    case "due":
      try expect(#","time":""#)
      return .due(try time())
    case "opened":
      try expect(#","time":""#)
      return .opened(try time())
    case "bundle":
      try expect(#","sha256":""#)
      let digest = try value(AuditDigest.init(text:))
      try expect(#","journal":""#)
      return .bundle(digest, try value(AuditJournal.init))
    default:
      throw refusal("unknown kind of detail")
    }
  }
}
