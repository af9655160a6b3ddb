import ArgumentParser

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make, look at, change and use keys.",
    discussion: """
        keyward key create etcd/prod-eu --type aes-256 --rotation-period 90d
        keyward key list --prefix etcd/
        keyward key rotate etcd/prod-eu
        echo secret | keyward key encrypt etcd/prod-eu --base64 > secret.kw
        keyward key decrypt etcd/prod-eu --base64 --in secret.kw

      Types: aes-128, aes-256, chacha20-poly1305, hmac-sha256/384/512, rsa-2048/3072/4096, \
      ec-p256/p384/p521, ec-secp256k1, ed25519, x25519, opaque (imported bytes).
      """,
    subcommands: [
      KeyCreate.self, KeyImport.self, KeyWrappingKey.self, KeyList.self, KeyShow.self,
      KeyRotate.self, KeyUpdate.self,
      KeyStateCommand.self, KeyDestroy.self, KeyUndestroy.self, KeyEncrypt.self, KeyDecrypt.self,
      KeyRewrap.self, KeyWrap.self, KeyUnwrap.self, KeySign.self, KeyVerify.self, KeyMAC.self,
      KeyMACVerify.self,
    ]
  )
}
