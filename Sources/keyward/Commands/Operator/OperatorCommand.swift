import ArgumentParser

struct OperatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operator",
    abstract: "Initialize, unseal and seal the server; change its seal and its keyring.",
    discussion: """
      A store is made once, and its root key split into shares (here any 3 of 5):

        keyward operator init --shares 5 --threshold 3 --out shares.txt

      After each start the server is sealed until enough shares, or the passphrase, are given:

        keyward operator unseal                        # asks for a share
        keyward operator unseal --share-file mine.txt  # or takes it from a file
      """,
    subcommands: [
      OperatorInit.self, OperatorUnseal.self, OperatorSeal.self, OperatorStatus.self,
      OperatorRekey.self, OperatorRotate.self,
    ]
  )
}
