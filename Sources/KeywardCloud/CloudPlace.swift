import Dispatch
package import KeywardExport
package import KeywardModel

/// Where a destination is, in the words of its provider; no secret is among them.
///
/// Its words come from whoever may write destinations. So they never say alone where credentials and
/// keys are sent: the address is the provider's own, or one that the server's administrator vouches
/// for (``CloudTrust``).
package struct CloudPlace: Sendable {
  /// Where the credentials are, of the process that asks.
  package enum Credentials: Sendable {
    case environment
    /// A profile of `~/.aws/credentials`.
    case profile(String)
    /// A file of the folder of credentials: the key of a service account, or a token.
    case file(String)
  }

  package var provider: ExportProvider
  package var credentials = Credentials.environment
  /// AWS Region.
  package var region: String?
  /// Azure: a vault's name.
  package var vault: String?
  /// Azure: the tenant, which must be that of the credentials.
  package var tenant: String?
  /// Azure: the name of the key that wraps.
  package var wrappingKey = "keyward-kek"
  /// Google: `projects/P/locations/L/keyRings/R`.
  package var ring: String?
  /// Google: `SOFTWARE` or `HSM`.
  package var protection = "HSM"
  /// The address of an OpenBao or Vault; of others an emulator.
  package var endpoint: String?
  package var mount = "transit"
  package var namespace: String?
  /// Certificates in PEM, trusted instead of the system's.
  package var authorities: String?

  package init(_ provider: ExportProvider) {
    self.provider = provider
  }

  static func missing(_ what: String) -> CloudFailure {
    CloudFailure(.unfit, "The destination does not name \(what).")
  }
}

/// Opening it.
extension CloudPlace {
  /// What speaks to the place, with credentials read anew, and a session with retries, the caller's
  /// clock, and TLS that trusts nobody whom the destination alone names.
  ///
  /// Connections are kept from one session to the next that trusts the same.
  package func open(
    _ trust: CloudTrust,
    now: @escaping @Sendable () -> Timestamp
  ) throws(CloudFailure) -> (any CloudDestination, CloudSession) {
    let authorities = try trust.authorities(for: self)
    // Not cut short when the one who asked has gone: what is under way at the provider goes on.
    let pause: @Sendable (Int) async -> Void = { milliseconds in
      await withCheckedContinuation { continuation in
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) {
          continuation.resume()
        }
      }
    }
    let session = CloudSession(
      transport: RetryingTransport(CurlTransport(authorityText: authorities), pause: pause),
      authorities: authorities,
      now: now,
      pause: pause
    )
    return (try destination(trust), session)
  }

  func destination(_ trust: CloudTrust) throws(CloudFailure) -> any CloudDestination {
    switch provider {
    case .aws:
      guard let region, AWSDestination.isRegion(region) else { throw Self.missing("a Region") }
      var profile: String?
      if case .profile(let name) = credentials { profile = name }
      return AWSDestination(
        region: region,
        credentials: try trust.source.aws(profile: profile),
        endpoint: endpoint
      )
    case .azure, .azureManagedHSM: return try azure(trust)
    case .google:
      guard let ring else { throw Self.missing("a key ring") }
      return GoogleDestination(
        ring: ring,
        protectionLevel: protection,
        account: try trust.source.google(file: trust.path(of: credentials)),
        endpoint: endpoint ?? "https://cloudkms.googleapis.com"
      )
    case .openbao, .vault:
      guard let endpoint else { throw Self.missing("an endpoint") }
      return TransitDestination(
        provider,
        endpoint: endpoint,
        mount: mount,
        namespace: namespace,
        token: try trust.source.vault(file: trust.path(of: credentials))
      )
    case .oci, .ibm, .hpcs, .alibaba, .tencent:
      throw CloudFailure(
        .unsupported,
        "Keyward does not push to \(provider.rawValue); it writes what is to be sent.",
        remedy: "Use --mode bundle, and docs/key-export/others.md."
      )
    }
  }

  private func azure(_ trust: CloudTrust) throws(CloudFailure) -> any CloudDestination {
    guard let vault, Self.isVault(vault) else {
      throw CloudFailure(
        .unfit,
        "The destination's vault is not the name of one.",
        remedy: "Give its name alone, of 3 to 24 letters, digits and '-': not its address."
      )
    }
    let found = try trust.source.azure()
    guard tenant == nil || tenant == found.tenantID else {
      throw CloudFailure(
        .credentialsMissing,
        "AZURE_TENANT_ID is not the tenant that the destination names."
      )
    }
    let isManaged = provider == .azureManagedHSM
    let suffix = isManaged ? "managedhsm.azure.net" : "vault.azure.net"
    return AzureDestination(
      vault: endpoint ?? "https://\(vault.lowercased()).\(suffix)",
      isManagedHSM: isManaged,
      kek: wrappingKey,
      credentials: found,
      loginURL: endpoint ?? "https://login.microsoftonline.com"
    )
  }

  /// Whether a text is a vault's name: one label of a host, as Azure takes it.
  ///
  /// A text with a dot could be another host, which would be sent the vault's token.
  package static func isVault(_ text: String) -> Bool {
    (3...24).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122, 45: true
        default: false
        }
      }
      && text.first != "-" && text.last != "-" && !text.contains("--")
  }
}
