import KeywardAudit
import KeywardCrypto
import KeywardKMSPlugin
import KeywardModel
import KeywardService

/// The figures of `/metrics` beside those of HTTP itself, in the Prometheus text form.
enum ServerMetrics {
  static func text(
    _ service: KeywardService,
    _ plugins: [(key: String, socket: String, metrics: KMSPluginMetrics)]
  ) -> String {
    let status = service.sealStatus()
    let memory = SecureMemory.report
    var text = ""
    func gauge(_ name: String, _ help: String, _ value: Int) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \(value)\n"
    }
    gauge("keyward_sealed", "1 while the server is sealed.", status.sealed ? 1 : 0)
    gauge(
      "keyward_audit_writable",
      "0 while the audit log cannot be written.",
      status.auditWritable ? 1 : 0
    )
    gauge("keyward_keys", "Keys that are not deleted.", status.keys ?? 0)
    gauge(
      "keyward_audit_entries",
      "Entries of the audit log.",
      Int(clamping: status.auditSize ?? 0)
    )
    gauge("keyward_rewrap_pending", "Keys under an older keyring term.", status.rewrapPending ?? 0)
    gauge("keyward_secure_memory_bytes", "Locked memory in use.", memory.inUse)
    if let exports = service.exportFigures() {
      text += """
        # HELP keyward_exports Exports by state.
        # TYPE keyward_exports gauge

        """
      for (state, count) in exports.states.sorted(by: { $0.key < $1.key }) {
        text += "keyward_exports{state=\"\(state)\"} \(count)\n"
      }
      text += """
        # HELP keyward_exports_ending Exports whose end is near or over, by the warning.
        # TYPE keyward_exports_ending gauge

        """
      for (warning, count) in exports.warnings.sorted(by: { $0.key < $1.key }) {
        text += "keyward_exports_ending{within=\"\(warning)\"} \(count)\n"
      }
    }
    text += """
      # HELP keyward_kms_key_info The key that a KMS v2 socket protects with now.
      # TYPE keyward_kms_key_info gauge

      """
    for (key, socket, _) in plugins {
      guard let name = try? KeyName(key), let now = try? service.kmsStatus(name) else { continue }
      // As kube-apiserver's own metrics write it, so that the two can be compared.
      let hash = KeyIDHash(keyID: now.keyID.description)
      text += "keyward_kms_key_info{key=\"\(key)\",socket=\"\(socket)\","
      text += "key_id_hash=\"\(hash.text)\"} 1\n"
    }
    text += """
      # HELP keyward_kms_requests_total Calls of KMS v2 sockets by method and outcome.
      # TYPE keyward_kms_requests_total counter

      """
    for (key, socket, metrics) in plugins {
      for (method, counts) in [
        ("Status", metrics.status), ("Encrypt", metrics.encrypt), ("Decrypt", metrics.decrypt),
      ] {
        for (outcome, count) in [("ok", counts.succeeded), ("error", counts.failed)] {
          text +=
            "keyward_kms_requests_total{key=\"\(key)\",socket=\"\(socket)\",method=\"\(method)\",outcome=\"\(outcome)\"} "
            + "\(count)\n"
        }
      }
    }
    return text
  }
}
