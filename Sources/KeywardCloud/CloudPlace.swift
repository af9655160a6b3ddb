import KeywardCrypto
package import KeywardExport
package import KeywardModel

/// Where a destination is, in the words of its provider; no secret is among them.
package struct CloudPlace: Sendable {
  /// Where the credentials are, of the process that asks.
  package enum Credentials: Sendable {
    case environment
    /// A profile of `~/.aws/credentials`.
    case profile(String)
    /// The key of a service account, or a file that holds a token.
    case file(String)
  }

  package var provider: ExportProvider
  package var credentials = Credentials.environment
  /// AWS Region.
  package var region: String?
  /// Azure: a vault's name, its host, or its whole URL.
  package var vault: String?
  /// Azure: the tenant, which must be that of the credentials.
  package var tenant: String?
  /// Azure: the name of the key that wraps.
  package var wrappingKey = "keyward-import"
  /// Google: `projects/P/locations/L/keyRings/R`.
  package var ring: String?
  /// Google: `software` or `hsm`.
  package var protection = "software"
  /// The address of an OpenBao or Vault; for others an override, for emulators.
  package var endpoint: String?
  package var mount = "transit"
  package var namespace: String?
  /// Certificates in PEM, trusted instead of the system's.
  package var authorities: String?

  package init(_ provider: ExportProvider) {
    self.provider = provider
  }
}

extension CloudPlace {
  /// What speaks to the place, with credentials read anew.
  package func destination(
    _ source: CredentialSource = CredentialSource()
  ) throws(CloudFailure) -> any CloudDestination {
    switch provider {
    case .aws:
      guard let region else { throw Self.missing("a Region") }
      var profile: String?
      if case .profile(let name) = credentials { profile = name }
      let found = try source.aws(profile: profile)
      return AWSDestination(region: region, credentials: found, endpoint: endpoint)
    case .azure, .azureManagedHSM: return try azure(source)
    case .google:
      guard let ring else { throw Self.missing("a key ring") }
      return GoogleDestination(
        ring: ring,
        protectionLevel: protection.uppercased(),
        account: try source.google(file: file),
        endpoint: endpoint ?? "https://cloudkms.googleapis.com"
      )
    case .openbao, .vault:
      guard let endpoint else { throw Self.missing("an endpoint") }
      return TransitDestination(
        provider,
        endpoint: endpoint,
        mount: mount,
        namespace: namespace,
        token: try source.vault(file: file)
      )
    case .oci, .ibm, .hpcs, .alibaba, .tencent:
      throw CloudFailure(
        .unsupported,
        "Keyward does not speak to \(provider.rawValue); it writes what is to be sent.",
        remedy: "Use --mode bundle, and docs/key-export/others.md."
      )
    }
  }

  /// A session with retries, the clock of the caller and TLS that trusts what the place says.
  package func session(
    now: @escaping @Sendable () -> Timestamp
  ) -> CloudSession {
    let pause: @Sendable (Int) async -> Void = { milliseconds in
      try? await Task.sleep(for: .milliseconds(milliseconds))
    }
    let curl = CurlTransport(authorityText: authorities)
    return CloudSession(
      transport: RetryingTransport(curl, pause: pause),
      now: now,
      pause: pause
    )
  }

  private var file: String? {
    if case .file(let path) = credentials { return path }
    return nil
  }

  private func azure(_ source: CredentialSource) throws(CloudFailure) -> any CloudDestination {
    guard let vault else { throw Self.missing("a vault") }
    let found = try source.azure()
    guard tenant == nil || tenant == found.tenantID else {
      throw CloudFailure(
        .credentialsMissing,
        "AZURE_TENANT_ID is not the tenant that the destination names."
      )
    }
    let isManaged = provider == .azureManagedHSM
    let suffix = isManaged ? ".managedhsm.azure.net" : ".vault.azure.net"
    let host = vault.hasPrefix("https://") ? String(vault.dropFirst(8)) : vault
    return AzureDestination(
      vault: endpoint ?? "https://" + (host.contains(".") ? host : host + suffix),
      isManagedHSM: isManaged,
      kek: wrappingKey,
      credentials: found,
      loginURL: endpoint ?? "https://login.microsoftonline.com"
    )
  }

  private static func missing(_ what: String) -> CloudFailure {
    CloudFailure(.unfit, "The destination does not name \(what).")
  }
}
