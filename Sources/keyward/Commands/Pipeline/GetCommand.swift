import ArgumentParser
import KeywardModel
import KeywardPipeline

struct GetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Write one or many values in the form that their reader takes.",
    discussion: """
        keyward get kw://payments/db#password > password
        keyward get -f dotenv DB_PASSWORD=kw://payments/db#password --out .env
        eval "$(keyward get -f shell DB_PASSWORD=kw://payments/db#password)"
        keyward get -f k8s-secret --secret-name db kw://payments/db | kubectl apply -f -
        keyward get -f github DB_PASSWORD=kw://payments/db#password

      A value that a form cannot carry to its reader unchanged is refused with the reason. Without a \
      name a value has that of its field, in capitals where names are those of variables. A file of \
      --out has mode 0600.
      """
  )

  @OptionGroup
  var request: ValueRequest
  @OptionGroup
  var form: ValueOutput
  @OptionGroup
  var fetch: SecretFetch
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let wanted = try request.wanted()
    try form.prepare()
    let places = ValueRequest.places(wanted)
    let answer = try fetch.answer(ValueRequest.once(wanted.map(\.reference)))
    if fetch.isPlan {
      return try fetch.show(SecretPlan(answer.head, wanted: places), output)
    }
    let secrets = try SecretFetch.values(answer, wanted: places)
    try form.write(try ValueRequest.items(wanted, secrets, form.format))
  }
}
