import KeywardCloud
import KeywardCrypto
import KeywardExport
import KeywardModel
import KeywardService
import KeywardSystem

/// The server's way to the destinations of exports: libcurl with verified TLS, and the credentials of
/// this process.
///
/// A destination says which credentials by a name only: `file:NAME` is a file of the folder of
/// credentials, so that who may write destinations cannot have the server read what it likes.
struct CloudGateway: ExportGateway {
  let dataDirectory: String
  /// The folder of `file:NAME`.
  let credentialsDirectory: String

  func open(
    _ destination: Destination,
    now: @escaping @Sendable () -> Timestamp
  ) throws(CloudFailure) -> (any CloudDestination, CloudSession) {
    let pause: @Sendable (Int) async -> Void = { milliseconds in
      try? await Task.sleep(for: .milliseconds(milliseconds))
    }
    let transport = CurlTransport(authorities: try authorities(of: destination))
    let session = CloudSession(
      transport: RetryingTransport(transport, pause: pause),
      now: now,
      pause: pause
    )
    return (try cloud(destination), session)
  }

  private func cloud(
    _ destination: Destination
  ) throws(CloudFailure) -> any CloudDestination {
    let source = CredentialSource()
    var file: String?
    var profile: String?
    switch destination.credentials {
    case .environment: break
    case .file(let name): file = credentialsDirectory + "/" + name
    case .profile(let name): profile = name
    }
    switch destination.provider {
    case .aws:
      return AWSDestination(
        region: destination[.region] ?? "",
        credentials: try source.aws(profile: profile),
        endpoint: destination[.endpoint]
      )
    case .azure, .azureManagedHSM:
      let isManagedHSM = destination.provider == .azureManagedHSM
      let host = isManagedHSM ? "managedhsm.azure.net" : "vault.azure.net"
      return AzureDestination(
        vault: destination[.endpoint] ?? "https://\(destination[.vault] ?? "").\(host)",
        isManagedHSM: isManagedHSM,
        kek: destination[.kek] ?? "keyward-kek",
        credentials: try source.azure()
      )
    case .google:
      let ring =
        "projects/\(destination[.project] ?? "")/locations/\(destination[.location] ?? "")/keyRings/"
        + (destination[.keyRing] ?? "")
      return GoogleDestination(
        ring: ring,
        protectionLevel: destination[.protection] == "software" ? "SOFTWARE" : "HSM",
        account: try source.google(file: file),
        endpoint: destination[.endpoint] ?? "https://cloudkms.googleapis.com"
      )
    case .openbao, .vault:
      let endpoint = destination[.endpoint] ?? ""
      // The token of the environment goes to the server of the environment and to no other: who may
      // write a destination must not be able to have it sent to themselves.
      if file == nil {
        let addresses = ["BAO_ADDR", "VAULT_ADDR"].compactMap { ProcessEnvironment.all[$0] }
        guard addresses.contains(endpoint) else {
          throw CloudFailure(
            .credentialsMissing,
            "The token of the environment is for \(addresses.first ?? "no address"), not for this "
              + "endpoint.",
            remedy:
              "Set BAO_ADDR or VAULT_ADDR of the server to the endpoint, or put a token into a "
              + "file of the folder of credentials and name it: --credentials file:NAME."
          )
        }
      }
      return TransitDestination(
        destination.provider,
        endpoint: endpoint,
        mount: destination[.mount] ?? "transit",
        namespace: destination[.namespace],
        token: try source.vault(file: file)
      )
    case .oci, .ibm, .hpcs, .alibaba, .tencent:
      throw CloudFailure(
        .unsupported,
        "Keyward does not push to \(destination.provider.title).",
        remedy: "Use --mode bundle."
      )
    }
  }

  /// libcurl takes authorities from a file; it holds no secret, and is named for what is in it.
  private func authorities(of destination: Destination) throws(CloudFailure) -> String? {
    guard let text = destination[.authorities] else { return nil }
    let bytes = Array(text.utf8)
    let path =
      dataDirectory + "/authorities-\(Hex.encode(Array(Digest.sha256(bytes).prefix(16)))).pem"
    do {
      try bytes.withUnsafeBytes { bytes in try AtomicFile.write(bytes, to: path) }
    } catch {
      throw CloudFailure(.internalFailure, "The destination's authorities could not be written.")
    }
    return path
  }
}
