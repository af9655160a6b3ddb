package import KeywardCrypto
import KeywardModel

/// One file for a place without a network, and the exact commands to run there.
package struct ExportBundle: Sendable, Equatable {
  /// The name that is proposed for the file.
  package let fileName: String
  package let contents: [UInt8]
  /// Shell commands in their order; the file is named by `fileName`.
  package let next: [String]

  /// Where the key is to stand, in so far as the parameters do not say it.
  package struct Place: Sendable, Equatable {
    /// The key's name at the provider.
    package var name: String
    /// OCI compartment; Google key ring as `projects/P/locations/L/keyRings/R`; transit mount; IBM
    /// instance.
    package var parent: String?
    /// The endpoint or region where a command needs one.
    package var endpoint: String?
    /// A version, where the key is there already (transit).
    package var isNewVersion: Bool

    package init(
      name: String,
      parent: String? = nil,
      endpoint: String? = nil,
      isNewVersion: Bool = false
    ) {
      self.name = name
      self.parent = parent
      self.endpoint = endpoint
      self.isNewVersion = isNewVersion
    }
  }

  /// Writes the file for `cell`.
  ///
  /// `material` is needed for IBM alone, whose nonce is encrypted under it. Names that would mean
  /// something to a shell are refused.
  package static func make(
    _ blob: [UInt8],
    _ cell: ExportCell,
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ place: Place,
    material: borrowing SecretBytes
  ) throws(ExportRefusal) -> ExportBundle {
    for text in [
      place.name, place.parent, place.endpoint, parameters.providerKeyID,
      parameters.wrappingKeyID, plan.usage,
    ] {
      try ShellWord.check(text ?? "")
    }
    switch cell.provider {
    case .aws: return try aws(blob, plan, parameters)
    case .azure, .azureManagedHSM: return try azure(blob, cell, plan, parameters, place)
    case .google: return try google(blob, cell, parameters, place)
    case .openbao, .vault: return transit(blob, cell, place)
    case .oci: return try oci(blob, cell, place)
    case .ibm, .hpcs:
      let nonce = try ImportBody.IBMNonce(
        parameters.nonce ?? [],
        under: material,
        cell.provider
      )
      return ibm(blob, cell, nonce, place)
    case .alibaba: return try alibaba(blob, plan, parameters)
    case .tencent: return try tencent(blob, plan, parameters)
    }
  }

  private static func token(_ parameters: WrappingParameters) throws(ExportRefusal) -> [UInt8] {
    guard let token = parameters.token else {
      throw ExportRefusal(.parametersMixed, "The parameters have no import token.")
    }
    return token
  }

  private static func aws(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters
  ) throws(ExportRefusal) -> ExportBundle {
    let file = "import-key-material.json"
    let key = parameters.providerKeyID
    // A key id alone does not say where it is; an ARN does.
    let parts = key.split(separator: ":", omittingEmptySubsequences: false)
    let region = parts.count == 6 ? " --region \(parts[3])" : ""
    return ExportBundle(
      fileName: file,
      contents: ImportBody.aws(blob, plan, keyID: key, token: try token(parameters)).bytes,
      next: [
        "aws kms import-key-material\(region) --cli-binary-format base64 --cli-input-json file://\(file)",
        "aws kms describe-key\(region) --key-id \(key)",
      ]
    )
  }

  private static func azure(
    _ blob: [UInt8],
    _ cell: ExportCell,
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ place: Place
  ) throws(ExportRefusal) -> ExportBundle {
    let file = "\(place.name).byok"
    let kid = parameters.wrappingKeyID ?? ""
    try AzureKey.checkVersioned(kid)
    // https://HOST/keys/...
    let host = kid.split(separator: "/")[1]
    let vault = host.prefix { $0 != "." }
    let option = cell.provider == .azure ? "--vault-name" : "--hsm-name"
    let parts = cell.keySpec.split(separator: "/")
    let type = parts[0].dropLast("-HSM".count)
    let curve = parts.count > 1 ? " --curve \(parts[1])" : ""
    let operations = ImportBody.azureOperations(plan).joined(separator: " ")
    let expiry = plan.validUntil.map { " --expires \($0.rfc3339.prefix(19))Z" } ?? ""
    return ExportBundle(
      fileName: file,
      contents: ImportBody.byok(blob, kid: kid),
      next: [
        "az keyvault key import \(option) \(vault) --name \(place.name) --kty \(type)\(curve) "
          + "--ops \(operations)\(expiry) --byok-file \(file)",
        "az keyvault key show \(option) \(vault) --name \(place.name)",
      ]
    )
  }

  private static func google(
    _ blob: [UInt8],
    _ cell: ExportCell,
    _ parameters: WrappingParameters,
    _ place: Place
  ) throws(ExportRefusal) -> ExportBundle {
    let job = parameters.wrappingKeyID ?? ""
    let parts = job.split(separator: "/")
    guard parts.count == 8, parts[0] == "projects", parts[6] == "importJobs" else {
      throw ExportRefusal(
        .parametersUnreadable,
        "The import job is not projects/P/locations/L/keyRings/R/importJobs/J."
      )
    }
    let file = "\(place.name).wrapped"
    let ring = "--project \(parts[1]) --location \(parts[3]) --keyring \(parts[5])"
    return ExportBundle(
      fileName: file,
      contents: blob,
      next: [
        "gcloud kms keys versions import \(ring) --key \(place.name) --import-job \(parts[7]) "
          + "--algorithm \(gcloudAlgorithm(cell.keySpec)) --wrapped-key-file \(file)",
        "gcloud kms keys versions list \(ring) --key \(place.name)",
      ]
    )
  }

  /// gcloud writes algorithms in lower case with hyphens.
  static func gcloudAlgorithm(_ name: String) -> String {
    String(
      decoding: name.utf8.map { $0 == 0x5f ? 0x2d : (65...90).contains($0) ? $0 + 32 : $0 },
      as: UTF8.self
    )
  }

  private static func transit(_ blob: [UInt8], _ cell: ExportCell, _ place: Place) -> ExportBundle {
    let file = "\(place.name).import.json"
    let command = cell.provider == .openbao ? "bao" : "vault"
    let mount = place.parent ?? "transit"
    let verb = place.isNewVersion ? "import_version" : "import"
    return ExportBundle(
      fileName: file,
      contents: ImportBody.transit(
        blob,
        cell.wrapping,
        type: cell.keySpec,
        isNew: !place.isNewVersion
      ).bytes,
      next: [
        "\(command) write \(mount)/keys/\(place.name)/\(verb) @\(file)",
        "\(command) read \(mount)/keys/\(place.name)",
      ]
    )
  }

  private static func oci(
    _ blob: [UInt8],
    _ cell: ExportCell,
    _ place: Place
  ) throws(ExportRefusal) -> ExportBundle {
    guard let compartment = place.parent else {
      throw ExportRefusal(.parametersMixed, "OCI needs the compartment of the key.")
    }
    let file = "\(place.name).import.json"
    let endpoint = place.endpoint.map { " --endpoint \($0)" } ?? ""
    return ExportBundle(
      fileName: file,
      contents: ImportBody.oci(blob, cell, compartment: compartment, name: place.name).bytes,
      next: [
        "oci kms management key import --from-json file://\(file)\(endpoint)",
        "oci kms management key list --compartment-id \(compartment)\(endpoint)",
      ]
    )
  }

  private static func ibm(
    _ blob: [UInt8],
    _ cell: ExportCell,
    _ nonce: ImportBody.IBMNonce,
    _ place: Place
  ) -> ExportBundle {
    let file = "\(place.name).import.json"
    let endpoint = place.endpoint ?? "https://REGION.kms.cloud.ibm.com"
    let instance = place.parent ?? "INSTANCE-ID"
    return ExportBundle(
      fileName: file,
      contents: ImportBody.ibm(blob, cell.wrapping, nonce: nonce, name: place.name).bytes,
      next: [
        "umask 077; ibmcloud iam oauth-tokens --output json | jq -r '\"authorization: \" + .iam_token' > headers",
        "curl --fail-with-body -X POST \(endpoint)/api/v2/keys -H @headers "
          + "-H 'bluemix-instance: \(instance)' "
          + "-H 'content-type: application/vnd.ibm.kms.key+json' --data-binary @\(file)",
        "rm headers",
      ]
    )
  }

  private static func alibaba(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters
  ) throws(ExportRefusal) -> ExportBundle {
    let file = "import-key-material.json"
    let key = parameters.providerKeyID
    let arguments = ["KeyId", "EncryptedKeyMaterial", "ImportToken", "KeyMaterialExpireUnix"].map {
      "--\($0) \"$(jq -r .\($0) \(file))\""
    }.joined(separator: " ")
    return ExportBundle(
      fileName: file,
      contents: ImportBody.alibaba(
        blob,
        keyID: key,
        token: try token(parameters),
        validUntil: plan.validUntil
      ).bytes,
      next: [
        "aliyun kms ImportKeyMaterial \(arguments)", "aliyun kms DescribeKey --KeyId \(key)",
      ]
    )
  }

  private static func tencent(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters
  ) throws(ExportRefusal) -> ExportBundle {
    if let validUntil = plan.validUntil, validUntil > ImportBody.tencentLatest {
      throw ExportRefusal(.validUntilTooFar, "Tencent takes no time after 2038-01-18.")
    }
    let file = "import-key-material.json"
    let key = parameters.providerKeyID
    return ExportBundle(
      fileName: file,
      contents: ImportBody.tencent(
        blob,
        keyID: key,
        token: try token(parameters),
        validUntil: plan.validUntil
      ).bytes,
      next: [
        "tccli kms ImportKeyMaterial --cli-input-json file://\(file)",
        "tccli kms DescribeKey --KeyId \(key)",
      ]
    )
  }
}

/// Words that go into commands for a shell.
enum ShellWord {
  /// Refuses what a shell would not take as one plain word: names come from files of others.
  static func check(_ text: String) throws(ExportRefusal) {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case 48...57, 65...90, 97...122: true
      default: "-_.,:/@+=".utf8.contains(byte)
      }
    }
    guard isPlain, text.utf8.first != UInt8(ascii: "-"), text.utf8.count <= 2048 else {
      throw ExportRefusal(
        .parametersUnreadable,
        "A name in the parameters or of the key has characters that no provider's names have."
      )
    }
  }
}
