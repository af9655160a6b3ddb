import Glibc
import KeywardCrypto
package import KeywardSystem
import NIOCore
import NIOSSL
import Synchronization

/// The server's certificate and private key, read from files and read again when they change.
///
/// New connections take the newest pair that was good; open ones keep theirs. A pair that cannot be
/// used leaves the one before in place, so a half-written renewal stops nobody.
package final class TLSIdentity: Sendable {
  /// Whether clients are asked for a certificate.
  ///
  /// What they show is not judged in the handshake, which proves the possession of its key alone: a
  /// revocation then counts at the next request, on open connections and resumed sessions too.
  package enum ClientCertificates: String, CaseIterable, Sendable {
    case off
    case optional
    case required
  }

  private struct State {
    var context: NIOSSLContext
    var stamp: [FileStamp]
  }

  private let certificatePath: String
  private let keyPath: String
  let clientCertificates: ClientCertificates
  let chains = ChainMemory()
  private let state: Mutex<State>
  /// Held while files are read, so that an older reading never replaces a newer one.
  private let reading = Mutex(())

  /// A chain of certificates and a key, at most 256 KiB each.
  private static let fileLimit = 256 << 10

  /// Reads the pair; the error says which file is wrong and what to do.
  package init(
    certificate: String,
    key: String,
    clientCertificates: ClientCertificates
  ) throws(SystemError) {
    certificatePath = certificate
    keyPath = key
    self.clientCertificates = clientCertificates
    let stamp = [FileStamp(certificate), FileStamp(key)]
    let context = try Self.load(certificate, key, clientCertificates, mustBeValidAt: nil)
    state = Mutex(State(context: context, stamp: stamp))
  }

  /// The context for a new connection.
  var context: NIOSSLContext { state.withLock { $0.context } }

  /// Reads the files again, with `isForced` also when nothing about them has changed; true when there
  /// is a new pair.
  ///
  /// Throws, and keeps the pair there is, when the new one cannot be used.
  package func reload(isForced: Bool) throws(SystemError) -> Bool {
    try reading.withLock { (_) throws(SystemError) in
      let stamp = [FileStamp(certificatePath), FileStamp(keyPath)]
      guard isForced || state.withLock({ $0.stamp }) != stamp else { return false }
      // Kept also when the pair is bad: the same bad files are complained of once.
      state.withLock { $0.stamp = stamp }
      let new = try Self.load(
        certificatePath,
        keyPath,
        clientCertificates,
        mustBeValidAt: time(nil)
      )
      state.withLock { $0.context = new }
      return true
    }
  }

  private static func load(
    _ certificatePath: String,
    _ keyPath: String,
    _ clientCertificates: ClientCertificates,
    mustBeValidAt now: time_t?
  ) throws(SystemError) -> NIOSSLContext {
    let chain = try certificates(certificatePath)
    if let now, let leaf = chain.first, leaf.notValidAfter < now {
      throw SystemError(.invalid, "the certificate in \(certificatePath) has expired")
    }
    let key = try privateKey(keyPath)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) },
      privateKey: .privateKey(key)
    )
    configuration.minimumTLSVersion = .tlsv12
    // For 1.2; the suites of 1.3 are AEAD all.
    configuration.cipherSuites = [
      "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")
    configuration.applicationProtocols = ["http/1.1"]
    configuration.renegotiationSupport = .none
    // Nobody is trusted by a root here; see `ClientCertificates`.
    configuration.trustRoots = .certificates([])
    configuration.shutdownTimeout = .seconds(1)
    switch clientCertificates {
    case .off: configuration.certificateVerification = .none
    case .optional: configuration.certificateVerification = .optionalVerification
    case .required: configuration.certificateVerification = .noHostnameVerification
    }
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw SystemError(
        .invalid,
        "the key in \(keyPath) is not that of the first certificate in \(certificatePath)"
      )
    }
  }

  private static func certificates(_ path: String) throws(SystemError) -> [NIOSSLCertificate] {
    let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
    let bytes = try file.readAll(from: path, limit: fileLimit)
    guard let chain = try? NIOSSLCertificate.fromPEMBytes(bytes), !chain.isEmpty else {
      throw SystemError(.invalid, "\(path) is not a chain of PEM certificates, the server's first")
    }
    return chain
  }

  /// Reads the key past the arena: TLS keeps its keys in memory of its own.
  private static func privateKey(_ path: String) throws(SystemError) -> NIOSSLPrivateKey {
    let secret = try SecretFile.read(path, limit: fileLimit, followingLinks: true)
    var bytes = secret.revealed()
    defer {
      bytes.withUnsafeMutableBytes { bytes in
        if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
      }
    }
    guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
      throw SystemError(.invalid, "\(path) is not an unencrypted PEM private key")
    }
    return key
  }
}

/// What tells that a file was written or replaced, through links.
private struct FileStamp: Equatable {
  private let values: [Int64]

  init(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      values = []
      return
    }
    values = [
      Int64(truncatingIfNeeded: status.st_dev), Int64(truncatingIfNeeded: status.st_ino),
      Int64(status.st_size), Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec),
      Int64(status.st_mode),
    ]
  }
}
