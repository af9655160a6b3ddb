import KeywardCrypto
import KeywardModel
import Yams

/// Reads records of identities out of YAML or JSON, strictly: the fields of the API's documents, and
/// for those that hold a file's text `FIELD_file`, the path of that file or a list of paths.
struct RecordFile: StrictYAML {
  static let reference = "docs/reference/cli.md"

  let path: String

  /// A record with its name.
  struct Record<Document> {
    let name: RegistryName
    let document: Document
  }

  /// All documents of a file by `read`; one without a name has that of the command line.
  static func records<Document>(
    _ path: String,
    named name: RegistryName?,
    _ read: (RecordFile, Node) throws(ConfigurationError) -> (name: String?, Document)
  ) throws -> [Record<Document>] {
    let text = try TextFile.read(path)
    let file = RecordFile(path: path == "-" ? "standard input" : path)
    var records: [Record<Document>] = []
    do {
      var nodes = try Yams.compose_all(yaml: text)
      while let node = nodes.next() {
        let (own, document) = try read(file, node)
        records.append(Record(name: try file.name(own, name, node), document: document))
      }
      // A mistake ends the sequence, and is told here alone.
      if let error = nodes.error { throw error }
    } catch let error as YamlError {
      throw file.problem(error)
    }
    guard !records.isEmpty else {
      throw CommandFailure(.usage, "\(file.path) has no document.")
    }
    guard name == nil || records.count == 1 else {
      throw CommandFailure(.usage, "A name goes with a file of one document.")
    }
    return records
  }

  private func name(
    _ own: String?,
    _ given: RegistryName?,
    _ node: Node
  ) throws(ConfigurationError) -> RegistryName {
    guard let own else {
      guard let given else { throw wrong(node, "the record needs 'name'") }
      return given
    }
    guard let name = RegistryName(own) else {
      throw wrong(node, "'name' is one segment of a-z, 0-9, '.', '_' and '-'")
    }
    guard given == nil || given == name else {
      throw wrong(node, "the record is named '\(name)' here and otherwise on the command line")
    }
    return name
  }

  // MARK: - Records

  func cluster(_ node: Node) throws(ConfigurationError) -> (name: String?, ClusterDocument) {
    var document = ClusterDocument()
    try fields(of: node, "a cluster") { field, node throws(ConfigurationError) in
      switch field {
      case "name": document.name = try text(node)
      case "environment": document.environment = try text(node)
      case "issuers":
        var issuers: [IssuerDocument] = []
        for item in try list(node) { issuers.append(try issuer(item).1) }
        document.issuers = issuers
      case "authorities":
        var authorities: [AuthorityDocument] = []
        for item in try list(node) { authorities.append(try authority(item).1) }
        document.authorities = authorities
      default: return false
      }
      return true
    }
    return (document.name, document)
  }

  func issuer(_ node: Node) throws(ConfigurationError) -> (name: String?, IssuerDocument) {
    var document = IssuerDocument(preset: "", url: "", audiences: [])
    try fields(of: node, "an issuer") { field, node throws(ConfigurationError) in
      switch field {
      case "name": document.name = try text(node)
      case "preset": document.preset = try text(node)
      case "url": document.url = try text(node)
      case "audiences": document.audiences = try texts(node)
      case "key_set", "key_set_file":
        guard document.keySet == nil else { throw doubled(node, "key_set") }
        document.keySet = try content(field, node)
      case "key_set_url": document.keySetURL = try text(node)
      case "discovery": document.discovery = try flag(node)
      case "environment": document.environment = try text(node)
      case "claims": document.claims = try texts(node)
      case "trust_domain": document.trustDomain = try text(node)
      case "maximum_lifetime": document.maximumLifetime = try seconds(node)
      case "single_use": document.singleUse = try flag(node)
      default: return false
      }
      return true
    }
    try need(node, [("preset", document.preset.isEmpty), ("url", document.url.isEmpty)])
    try need(node, [("audiences", document.audiences.isEmpty)])
    return (document.name, document)
  }

  func authority(_ node: Node) throws(ConfigurationError) -> (name: String?, AuthorityDocument) {
    var document = AuthorityDocument(certificates: "", identity: "")
    try fields(of: node, "an authority") { field, node throws(ConfigurationError) in
      switch field {
      case "name": document.name = try text(node)
      case "certificates", "certificates_file":
        guard document.certificates.isEmpty else { throw doubled(node, "certificates") }
        document.certificates = try content(field, node)
      case "revocation_lists", "revocation_lists_file":
        guard document.revocationLists == nil else { throw doubled(node, "revocation_lists") }
        document.revocationLists = try content(field, node)
      case "identity": document.identity = try text(node)
      case "trust_domain": document.trustDomain = try text(node)
      case "names": document.names = try texts(node)
      case "pins":
        var pins: [AuthorityDocument.Pin] = []
        for item in try list(node) { pins.append(try pin(item)) }
        document.pins = pins
      case "environment": document.environment = try text(node)
      default: return false
      }
      return true
    }
    try need(
      node,
      [("certificates", document.certificates.isEmpty), ("identity", document.identity.isEmpty)]
    )
    return (document.name, document)
  }

  func role(_ node: Node) throws(ConfigurationError) -> (name: String?, MachineRoleDocument) {
    var document = MachineRoleDocument()
    try fields(of: node, "a role") { field, node throws(ConfigurationError) in
      switch field {
      case "name": document.name = try text(node)
      case "role_id": document.roleID = try text(node)
      case "environment": document.environment = try text(node)
      case "networks": document.networks = try texts(node)
      case "token_ttl": document.tokenTTL = try seconds(node)
      case "token_maximum_ttl": document.tokenMaximumTTL = try seconds(node)
      case "token_uses": document.tokenUses = Int64(try number(node, 1...Int(Int32.max)))
      case "secret_id_ttl": document.secretIDTTL = try seconds(node)
      case "secret_id_uses": document.secretIDUses = Int64(try number(node, 1...Int(Int32.max)))
      default: return false
      }
      return true
    }
    return (document.name, document)
  }

  /// A pinned key: its hash, or the certificate that has it.
  private func pin(_ node: Node) throws(ConfigurationError) -> AuthorityDocument.Pin {
    var name: String?
    var hash: String?
    try fields(of: node, "a pin") { field, node throws(ConfigurationError) in
      switch field {
      case "name": name = try text(node)
      case "spki_sha256": hash = try text(node)
      case "certificate_file":
        guard let key = PEM.certificates(try content(field, node)).first,
          let certificate = try? Certificate(der: key)
        else { throw wrong(node, "the file holds no certificate in PEM") }
        hash = Hex.encode(certificate.spkiSHA256)
      default: return false
      }
      return true
    }
    guard let name, let hash else {
      throw wrong(node, "a pin needs 'name', and 'spki_sha256' or 'certificate_file'")
    }
    return AuthorityDocument.Pin(name: name, spkiSHA256: hash)
  }

  // MARK: - Values

  /// The text itself, or for a field that ends in `_file` what is in the file or files.
  private func content(_ field: String, _ node: Node) throws(ConfigurationError) -> String {
    guard field.hasSuffix("_file") else { return try text(node) }
    var whole = ""
    for name in node.sequence == nil ? [try text(node)] : try texts(node) {
      do {
        let part = try TextFile.read(TextFile.path(name, besides: path))
        if !whole.isEmpty, !whole.hasSuffix("\n") { whole += "\n" }
        whole += part
      } catch {
        throw wrong(node, CommandFailure(error).map(\.message) ?? "\(name) cannot be read")
      }
    }
    return whole
  }

  private func texts(_ node: Node) throws(ConfigurationError) -> [String] {
    var texts: [String] = []
    for item in try list(node) { texts.append(try text(item)) }
    return texts
  }

  private func seconds(_ node: Node) throws(ConfigurationError) -> Int64 {
    guard let seconds = Seconds(argument: try text(node)) else {
      throw wrong(node, "this is a number of seconds, or a time such as 90d, 12h or 30m")
    }
    return seconds.value
  }

  private func doubled(_ node: Node, _ field: String) -> ConfigurationError {
    wrong(node, "give either '\(field)' or '\(field)_file'")
  }

  private func need(
    _ node: Node,
    _ fields: [(name: String, isMissing: Bool)]
  ) throws(ConfigurationError) {
    for field in fields where field.isMissing {
      throw wrong(node, "'\(field.name)' is missing")
    }
  }
}
