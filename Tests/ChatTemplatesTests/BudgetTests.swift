import ChatTemplates
import Testing

/// No combination of filters, methods and operators does more than the budget of a rendering holds.
@Suite struct BudgetTests {
  private static let chain = "{% for i in range(99999) %}{% set ns.x = LINK %}{% endfor %}"

  @Test(arguments: [
    "{{ ('a' * 1000000)|replace('a', 'b' * 1000000) }}",
    "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
    "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}",
    "{{ ('b' * 1000000).join('a' * 1000000) }}",
    "{{ ('a' * 1000000)|join('b' * 1000000) }}",
    "{{ '%1000000000d'|format(1) }}", "{{ '%*d' % (1000000000, 1) }}", "{{ '%.1000000000d' % 1 }}",
    "{{ '{:>1000000000}'.format('a') }}", "{{ 'a'.ljust(1000000000) }}", "{{ 'a'|center(1000000000) }}",
    "{{ 'a'.zfill(1000000000) }}", "{{ ('a\\n' * 1000000)|indent(1000000) }}", "{{ [[1]]|tojson(indent=1000000000) }}",
    "{{ ([1] * 1000000)|tojson(indent=1000000) }}", "{{ [1]|batch(1000000000, 'x')|list }}",
    "{% set ns = namespace(x=[0]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[0]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x={}) %}{% for i in range(99) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}",
    "{% set l = [range(100000)|list] * 100000 %}{{ l == [range(100000)|list] * 100000 }}",
    "{% set l = [range(100000)|list] * 100000 %}{{ l|string }}", "{% set l = ['a' * 100000] * 100000 %}{{ l|tojson }}",
    "{% set l = ['a' * 1000000] * 1000000 %}{{ l|unique|list }}", "{% set l = ['a' * 1000000] * 1000000 %}{{ l|sort }}",
    "{% for i in range(99999) %}{% if 'b' in 'a' * 100000 %}{% endif %}{% endfor %}",
    "{% for i in range(99999) %}{{ range(100000)|list|length }}{% endfor %}",
    "{% for i in range(99999) %}{{ ('a' * 1000000).upper()|length }}{% endfor %}",
    "{% for i in range(99999) %}{{ ('a' * 1000000)[1:]|length }}{% endfor %}",
    // Chains that the end of a rendering would have to take apart.
    "{% set ns = namespace(x=[]) %}" + chain.replacing("LINK", with: "[ns.x]"),
    "{% set ns = namespace(x=[]) %}" + chain.replacing("LINK", with: "(ns.x,)|batch(1)|list"),
    "{% set ns = namespace(x=[]) %}" + chain.replacing("LINK", with: "[ns.x].copy"),
    "{% set ns = namespace(x=[]) %}" + chain.replacing("LINK", with: "dict(a=ns.x).items"),
    "{% macro f() %}{% set ns.x = varargs %}{% endmacro %}{% set ns = namespace(x=[]) %}"
      + "{% for i in range(99999) %}{{ f(ns.x) }}{% endfor %}",
  ])
  func bombsReachALimit(source: String) throws {
    let error = #expect(throws: TemplateError.self, "\(source)") {
      try ChatTemplate(source: source, name: "t").render([])
    }
    #expect(error?.kind == .limit, "\(source): \(error?.words ?? "")")
  }

  /// What looks like a bomb and is none: in linear time.
  @Test(arguments: [
    ("{{ ('a' * 120000).split('a')|length }}", "120001"), ("{{ ('ab' * 60000).rsplit('b', 50000)|length }}", "50001"),
    ("{{ ('a' * 120000).find('a' * 60000 + 'b') }}", "-1"), ("{{ ('a' * 120000).rfind('b' + 'a' * 60000) }}", "-1"),
    ("{{ ('a' * 120000)|list|length }}", "120000"), ("{{ ('a\\n' * 60000).splitlines()|length }}", "60000"),
    ("{{ ('a' * 100000).strip('ba' * 1000)|length }}", "0"),
    ("{{ ('a' * 100000)|replace('a', 'bc')|length }}", "200000"),
    // Chains and circles of objects are taken apart link by link.
    (
      "{% set ns = namespace(x=none) %}{% for i in range(50000) %}{% set n = namespace() %}{% set n.x = ns.x %}"
        + "{% set ns.x = n %}{% endfor %}{{ 1 }}", "1"
    ),
    (
      "{% set ns = namespace(x='') %}{% for i in range(50000) %}{% set ns.x = joiner(ns.x) %}{% endfor %}{{ 1 }}", "1"
    ),
    ("{% set ns = namespace() %}{% set ns.x = ns %}{% macro m() %}{% endmacro %}{{ 1 }}", "1"),
  ])
  func largeWorkIsDone(source: String, expected: String) throws {
    #expect(try ChatTemplate(source: source, name: "t").render([]).text == expected)
  }

  @Test func longConversationsHaveRoom() throws {
    let text = String(repeating: "word ", count: 20_000)
    let chat = (0..<20).map { ChatMessage(role: $0 % 2 == 0 ? "user" : "assistant", content: text) }
    let source =
      "{% set ns = namespace(x='') %}{% for m in messages %}{% set ns.x = ns.x ~ m.role ~ m.content|trim %}{% endfor %}"
      + "{{ ns.x }}"
    #expect(try ChatTemplate(source: source, name: "t").render(chat).text.utf8.count > 1_999_000)
  }
}
