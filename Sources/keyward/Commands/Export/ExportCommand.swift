import ArgumentParser
import KeywardModel

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Bring keys to cloud KMSs and other formats, and know where the copies are.",
    discussion: """
      To a cloud, wrapped by a key that the server itself fetches, and proved there:

        keyward destination put aws-prod --provider aws --region eu-west-1
        keyward export aws signing/app --to aws-prod
        keyward export google --keys names.txt --to google-prod

      Where the server reaches no cloud: the provider's parameters in, one file out.

        keyward export aws signing/app --to aws-prod --mode bundle \\
          --parameters params.json --out blob.bin

      As a file, which takes the right to export in plain:

        keyward export jwe signing/app --recipient partner.pem --out key.jwe

      What became of it, and when it ends:

        keyward export status
        keyward export renew exp-…
      """,
    subcommands: [
      ExportCloud<AWSNoun>.self, ExportCloud<AzureNoun>.self, ExportCloud<GoogleNoun>.self,
      ExportCloud<OpenBaoNoun>.self, ExportCloud<VaultNoun>.self, ExportCloud<OCINoun>.self,
      ExportCloud<IBMNoun>.self, ExportCloud<HPCSNoun>.self, ExportCloud<AlibabaNoun>.self,
      ExportCloud<TencentNoun>.self, ExportFile<JWENoun>.self, ExportFile<PKCS8Noun>.self,
      ExportFile<PKCS12Noun>.self, ExportFile<TinkNoun>.self, ExportFile<PKCS11Noun>.self,
      ExportFile<PKCS11KWNoun>.self, ExportFile<JWKNoun>.self, ExportFile<RawNoun>.self,
      ExportList.self, ExportShow.self,
      ExportStatus.self, ExportRenew.self, ExportVerify.self, ExportResume.self,
      ExportRetire.self, ExportCheckCommand.self,
    ]
  )
}
