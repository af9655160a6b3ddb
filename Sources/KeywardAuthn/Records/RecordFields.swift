package import KeywardModel

// The composite fields of the registry's records. Each begins with a number that says what follows,
// so that no two values have the same bytes.

extension RecordWriter {
  mutating func add(list: [String]) {
    add(UInt64(list.count))
    for text in list { add(text) }
  }

  mutating func add(blobs: [[UInt8]]) {
    add(UInt64(blobs.count))
    for blob in blobs { add(blob) }
  }

  mutating func add(optional text: String?) {
    add(list: text.map { [$0] } ?? [])
  }

  mutating func add(flag: Bool) {
    add(UInt64(flag ? 1 : 0))
  }

  /// A principal without the process, of which a record has no use.
  package mutating func add(principal: Principal) {
    add(principal.kind.rawValue)
    add(principal.issuer)
    add(principal.name)
    add(optional: principal.cluster)
    add(optional: principal.environment)
    let claims = principal.claims.sorted { $0.key < $1.key }
    add(list: claims.flatMap { [$0.key, $0.value] })
  }
}

extension RecordReader {
  mutating func readList(limit: Int = 1024) throws(Failure) -> [String] {
    var list: [String] = []
    for _ in 0..<(try readCount(limit: limit)) { list.append(try readText(limit: 1 << 20)) }
    return list
  }

  mutating func readBlobs(limit: Int = 1024) throws(Failure) -> [[UInt8]] {
    var list: [[UInt8]] = []
    for _ in 0..<(try readCount(limit: limit)) { list.append(try readBytes()) }
    return list
  }

  mutating func readOptionalText() throws(Failure) -> String? {
    try readList(limit: 1).first
  }

  mutating func readFlag() throws(Failure) -> Bool {
    try readCount(limit: 1) == 1
  }

  mutating func readSigned() throws(Failure) -> Int64 {
    Int64(bitPattern: try readNumber())
  }

  mutating func readOptionalSigned() throws(Failure) -> Int64? {
    let field = try readBytes(limit: 8)
    guard !field.isEmpty else { return nil }
    guard field.count == 8 else { throw .wrongLength(offset: 0) }
    return Int64(bitPattern: field.reduce(0) { $0 << 8 | UInt64($1) })
  }

  mutating func readTimestamp() throws(Failure) -> Timestamp {
    Timestamp(milliseconds: try readSigned())
  }

  mutating func readRegistryName() throws(Failure) -> RegistryName {
    guard let name = RegistryName(try readText()) else { throw .invalidText(offset: 0) }
    return name
  }

  mutating func readNetworks() throws(Failure) -> [NetworkPrefix] {
    var networks: [NetworkPrefix] = []
    for text in try readList() {
      guard let network = NetworkPrefix(text) else { throw .invalidText(offset: 0) }
      networks.append(network)
    }
    return networks
  }

  /// What `add(principal:)` wrote.
  package mutating func readPrincipal() throws(Failure) -> Principal {
    guard let kind = Principal.Kind(rawValue: try readText()) else {
      throw .invalidText(offset: 0)
    }
    let issuer = try readText()
    let name = try readText()
    let cluster = try readOptionalText()
    let environment = try readOptionalText()
    let pairs = try readList()
    guard pairs.count.isMultiple(of: 2) else { throw .wrongLength(offset: 0) }
    var claims: [String: String] = [:]
    for index in stride(from: 0, to: pairs.count, by: 2) { claims[pairs[index]] = pairs[index + 1] }
    return Principal(
      kind: kind,
      issuer: issuer,
      name: name,
      cluster: cluster,
      environment: environment,
      claims: claims
    )
  }

  private mutating func readCount(limit: Int) throws(Failure) -> Int {
    let count = try readNumber()
    guard count <= UInt64(limit) else { throw .wrongLength(offset: 0) }
    return Int(count)
  }
}
