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

  /// What 200,000 elements or ten million characters meet, each once and over and over; a fifth of them in debug builds.
  static let large: [String] = {
    #if DEBUG
    let share = 5
    #else
    let share = 1
    #endif
    let list = "([3, 1, 2] * \(67000 / share))"
    let text = "('aB c,' * \(2_000_000 / share))"
    let ones = "('1' * \(10_000_000 / share))"
    let lines = "('a\\n' * \(5_000_000 / share))"
    let rows = "(messages * \(100_000 / share))"
    let keys = "dict(range(100000)|map('string')|batch(2))"
    let once = [
      "\(rows)|groupby('role')|list|length", "\(rows)|groupby('content')|list|length", "\(list)|groupby(0)|list|length",
      "\(rows)|unique(attribute='role')|list|length", "\(list)|unique|list|length", "\(list)|sort|length",
      "range(100000)|sort(reverse=true)|length", "\(rows)|sort(attribute='content,role')|length", "\(list)|sum",
      "\(list)|batch(2)|list|length", "\(list)|batch(1)|list|length", "\(list)|slice(7)|list|length",
      "[1]|slice(16000000)|list|length", "\(list)|join(',')|length", "\(list)|map('string')|list|length",
      "\(rows)|map(attribute='role')|join|length", "\(rows)|map(attribute='a.' * 100000, default={})|list|length",
      "\(list)|select('odd')|list|length", "\(list)|reject('in', \(list))|list|length",
      "\(list)|select('in', range(100000))|list|length", "\(rows)|selectattr('role', 'eq', 'user')|list|length",
      "\(keys)|dictsort|length", "\(keys)|dictsort(by='value')|length", "\(keys)|items|list|length",
      "\(list)|min", "\(rows)|max(attribute='content')|length", "\(list)|reverse|list|length", "\(list)|list|last",
      "\(list)|string|length", "\(list)|tojson|length", "\(rows)|tojson(indent=2)|length", "\(keys)|tojson|length",
      "\(text)|tojson|length", "\(text)|indent|length", "\(text)|wordcount", "\(text)|title|length",
      "\(text)|capitalize|length", "\(text)|upper|length", "\(text)|lower|length", "\(text)|escape|length",
      "\(text)|trim|length", "\(text)|replace('a', 'bb')|length", "\(text)|replace('a', '')|length",
      "\(text)|replace('', 'b')|length", "\(text)|truncate(9000000)|length", "\(text)|center(12000000)|length",
      "\(text)|list|length", "\(text)|reverse|length", "\(text)|int", "\(ones)|int(base=7)",
      "\(ones)|float", "\(text)|first", "\(text)|last", "\(text)|string|length", "\(text)|e|length",
      "\(text).split(',')|length", "\(text).rsplit(',', 1000000)|length", "\(text).split()|length",
      "\(lines).splitlines()|length", "\(lines)|indent|length", "\(text).partition('z')|length",
      "\(text).rpartition('z')|length", "\(text).swapcase()|length", "\(text).title()|length",
      "\(text).count('a')", "\(text).find('ac')", "\(text).rfind('ac')", "\(text).strip('aB ,c')|length",
      "\(text).isalpha()", "('a' * 10000000).isalpha()", "('a' * 10000000).isalnum()", "\(ones).isnumeric()",
      "\(ones).isdigit()", "\(ones).isupper()", "\(ones).islower()",
      "('a' * 10000000).isprintable()", "\(ones) is lower", "\(ones) is upper",
      "','.join('ab' * 5000000)|length", "\(text).zfill(12000000)|length", "\(text).removeprefix('a')|length",
      "\(text).startswith(('z',) * 200000, 1)", "('{}' * 200000).format(*\(list))|length",
      "('{a}' * 100000).format(**\(keys))|length", "namespace(**\(keys)) is defined", "('%d' * 201000) % ([1] * 9)",
      "('%s' * 200000)|format(*\(list))|length", "\(list) < \(list)", "\(list) == \(list)",
      "((1, 2) * 100000) <= ((1, 2) * 100000)", "9 in \(list)", "9 in range(100000)", "'z' in \(text)",
      "\(keys) == \(keys)", "\(list)[::-1]|length", "\(text)[::-1]|length", "\(list).count(9)", "\(list).index(2)",
      "range(100000).count(9)", "strftime_now('%A' * 5000000)|length", "\(text) ~ \(text) ~ 'a'", "\(list) + \(list)",
      "cycler(*\(list)).next()", "\(text) is filter", "\(text) in ['a', 'b']", "\(rows) is sameas \(rows)",
    ]
    let over = [
      "\(text)|wordcount", "\(list) < \(list)", "r.count", "s[7]", "s[1:2]", "d|items|length", "f(**d)",
      "t.startswith(('z', 'y', 'x', 'w'), 1)", "\(list)|sort|length", "t|int", "t.isalpha()", "l|groupby(0)|length",
      "deep|string|length", "rows == rows", "l.copy().count(5)", "9 in r", "l|batch(3)|length", "t|indent",
    ]
    let names =
      "{% set r = range(100000) %}{% set s = \(rows)|map(attribute='content')|join %}{% set d = \(keys) %}"
      + "{% set t = 'ab' * 100000 %}{% set l = \(list) %}{% set rows = \(rows) %}{% macro f() %}{{ kwargs|length }}"
      + "{% endmacro %}{% set deep = \(String(repeating: "[", count: 90))t\(String(repeating: "]", count: 90)) %}"
    return once.map { "{% set x = \($0) %}" }
      + over.map { names + "{% for i in range(99999) %}{% set x = \($0) %}{% endfor %}" }
  }()

  @Test(arguments: large) func largeWorkEndsOrIsRefused(source: String) throws {
    let chat = [ChatMessage(role: "user", content: "Q"), ChatMessage(role: "assistant", content: "A")]
    let clock = ContinuousClock()
    var refusal: TemplateError?
    let time = try clock.measure {
      do { _ = try ChatTemplate(source: source, name: "t").render(chat) } catch let error as TemplateError {
        refusal = error
      }
    }
    #expect(refusal == nil || refusal?.kind != .syntax, "\(source): \(refusal?.words ?? "")")
    // It takes 2 s at most, 5 s in a debug build; without counting it is minutes.
    #expect(time < .seconds(20), "\(source): \(time) \(refusal?.words ?? "")")
  }

  @Test func groupingIsDone() throws {
    let chat = [ChatMessage(role: "user", content: "Q"), ChatMessage(role: "assistant", content: "A")]
    let source = "{% for k, v in (messages * 100000)|groupby('role') %}{{ k }} {{ v|length }};{% endfor %}"
    #expect(try ChatTemplate(source: source, name: "t").render(chat).text == "assistant 100000;user 100000;")
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
