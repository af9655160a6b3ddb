import KeywardModel
import KeywardSystem

/// Everything that the server needs to know before it starts, checked.
struct ServerConfiguration: Sendable {
  /// One KMS v2 socket and the key it serves.
  struct KMSSocket: Sendable, Hashable {
    var key: KeyName
    var endpoint: UnixEndpoint
    /// The users whose kube-apiserver may connect; nil for the server's own and root.
    var allowedUIDs: Set<UInt32>?
    /// Who the socket's calls are of, for policy; nil for the built-in right to the one key.
    var principal: KMSPrincipal?
    /// Whether the key is made when it is missing.
    var createsKey = false
  }

  /// Who the calls of a KMS socket are of: issuer `kms`, with what the administrator says of it.
  struct KMSPrincipal: Sendable, Hashable {
    /// Never the name of the socket's key.
    var name: String
    var cluster: String?
    var environment: String?
  }

  /// Where the secret of an automatic seal is.
  enum Seal: Sendable, Hashable {
    case keyFile(String)
    /// A name under `$CREDENTIALS_DIRECTORY` (systemd's LoadCredential=).
    case credential(String)
  }

  var dataDirectory = "/var/lib/keyward"
  /// Where the rollback anchor is; nil for `anchor` in the data folder.
  var anchorFile: String?
  var adminEndpoint: UnixEndpoint?
  /// The users that may use the admin socket; nil for the server's own and root.
  var adminUIDs: Set<UInt32>?
  /// Nil for no HTTPS.
  var https: HTTPSConfiguration?
  var kms: [KMSSocket] = []
  /// Those of `kms` that come from the command line: a reload of the file keeps them.
  var optionSockets: [KMSSocket] = []
  var seal: Seal?
  /// The most locked memory for keys, in MiB.
  var memoryLimit = 64
  /// `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`.
  var logLevel = "info"
  /// Seconds between the order to destroy a key and its destruction.
  var destructionDelay: Int64 = 7 * 86_400
  /// The authorities of the servers that issuers' key sets are fetched from; nil for the system's.
  var keySetAuthorities: String?
  /// Where `file:NAME` of a destination's credentials is.
  var credentialsDirectory = "/etc/keyward/credentials"
  /// Whether destinations of AWS, Azure and Google may name addresses and authorities of their own.
  var takesForeignEndpoints = false
  /// The name of the audit log in its checkpoints.
  var auditOrigin = "keyward"
  var isDevelopment = false
  /// Whether the KMS sockets answer the echo that benchmarks compare with.
  var offersEcho = false
}

/// A mistake in the configuration, with its place and what to do.
struct ConfigurationError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
