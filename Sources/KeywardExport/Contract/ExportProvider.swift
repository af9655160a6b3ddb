/// Where a key can be exported to.
package enum ExportProvider: String, CaseIterable, Sendable, Codable {
  case aws
  case azure
  case azureManagedHSM = "azure-managed-hsm"
  case google
  case openbao
  case vault
  case oci
  case ibm = "ibm-key-protect"
  case hpcs = "ibm-hpcs"
  case alibaba
  case tencent
}
