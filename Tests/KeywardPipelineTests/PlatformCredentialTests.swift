import Testing

@testable import KeywardPipeline

@Suite
struct PlatformCredentialTests {
  private typealias Source = PlatformCredential.Source

  private func find(
    _ environment: [String: String],
    files: [String] = []
  ) -> PlatformCredential {
    PlatformCredential.find(
      in: environment,
      audience: "https://keyward.example.com",
      exists: files.contains
    )
  }

  @Test
  func findsTheTokenOfEachPlatform() {
    let github = [
      "GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret-1",
      "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.example.com/x?api-version=2.0",
    ]
    let azure = [
      "TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": "secret-2",
      "SYSTEM_OIDCREQUESTURI": "https://dev.example.com/o/p/_apis/oidctoken",
    ]
    let pod = ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]
    let rows: [([String: String], [String], String?, Source)] = [
      (
        ["GITLAB_CI": "true", "KEYWARD_ID_TOKEN": "secret-3"], [], "GitLab CI",
        .variable("KEYWARD_ID_TOKEN")
      ),
      (
        github, [], "GitHub Actions",
        .request(
          .init(
            method: .get,
            url: "https://pipelines.example.com/x?api-version=2.0"
              + "&audience=https%3A%2F%2Fkeyward.example.com",
            bearerVariable: "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            member: "value"
          )
        )
      ),
      (
        azure, [], "Azure Pipelines",
        .request(
          .init(
            method: .post,
            url: "https://dev.example.com/o/p/_apis/oidctoken?api-version=7.1",
            bearerVariable: "SYSTEM_ACCESSTOKEN",
            member: "oidcToken"
          )
        )
      ),
      (
        azure.merging(["KEYWARD_AZURE_SERVICE_CONNECTION": "a b&c"]) { first, _ in first }, [],
        "Azure Pipelines",
        .request(
          .init(
            method: .post,
            url: "https://dev.example.com/o/p/_apis/oidctoken?api-version=7.1"
              + "&serviceConnectionId=a%20b%26c",
            bearerVariable: "SYSTEM_ACCESSTOKEN",
            member: "oidcToken"
          )
        )
      ),
      (
        ["JENKINS_URL": "https://j/", "KEYWARD_ID_TOKEN_FILE": "/tmp/t"], [], "Jenkins",
        .file("/tmp/t")
      ),
      (
        pod, ["/var/run/secrets/keyward/token"], "Kubernetes",
        .file("/var/run/secrets/keyward/token")
      ),
      // The token for the API server is not Keyward's to see.
      (pod, ["/var/run/secrets/kubernetes.io/serviceaccount/token"], "Kubernetes", .none),
      ([:], [], nil, .none),
      (["KEYWARD_ID_TOKEN": ""], [], nil, .none),
      // What the job itself names goes before what the platform offers.
      (
        github.merging(["KEYWARD_ID_TOKEN": "x"]) { first, _ in first }, [], "GitHub Actions",
        .variable("KEYWARD_ID_TOKEN")
      ),
      (
        github.merging(["KEYWARD_ID_TOKEN_FILE": "/f"]) { first, _ in first }, [], "GitHub Actions",
        .file("/f")
      ),
      // Runners in pods.
      (
        pod.merging(github) { first, _ in first }, ["/var/run/secrets/keyward/token"],
        "GitHub Actions",
        .request(
          .init(
            method: .get,
            url:
              "https://pipelines.example.com/x?api-version=2.0&audience=https%3A%2F%2Fkeyward.example.com",
            bearerVariable: "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            member: "value"
          )
        )
      ),
    ]
    for (environment, files, platform, source) in rows {
      let found = find(environment, files: files)
      #expect(found.platform == platform && found.source == source, "\(environment): \(found)")
      let words = (found.steps + [found.hint ?? ""]).joined()
      #expect(!words.contains("secret-"), "\(words)")
    }
  }

  @Test(arguments: [
    ("GITLAB_CI", "id_tokens"), ("GITHUB_ACTIONS", "id-token: write"),
    ("TF_BUILD", "SYSTEM_ACCESSTOKEN"), ("JENKINS_URL", "KEYWARD_ID_TOKEN_FILE"),
    ("KUBERNETES_SERVICE_HOST", "/var/run/secrets/keyward/token"),
  ])
  func saysWhatThePlatformLacks(_ variable: String, _ word: String) {
    #expect(find([variable: "1"]).hint?.contains(word) == true)
  }

  @Test(arguments: [
    ("keyward.example.com:8200", "https://keyward.example.com"),
    ("keyward.example.com", "https://keyward.example.com"), ("[::1]:8200", "https://[::1]"),
    ("[::1]", "https://[::1]"), ("127.0.0.1:1", "https://127.0.0.1"),
  ])
  func theAudienceIsTheServer(_ authority: String, _ audience: String) {
    #expect(PlatformCredential.audience(authority: authority) == audience)
  }
}
